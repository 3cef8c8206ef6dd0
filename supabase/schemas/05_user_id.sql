-- _user_id: the signed-in user who calls the API; null if there is none.
--
-- As auth.uid() has it, which plain Postgres lacks. An id that is no uuid owns nothing, and nobody
-- is the nil uuid, which stands for the owner of runs whose callers had no id.
create or replace function pgflow._user_id()
  returns uuid
  language sql
  stable
  set search_path = ''
as $$
  select case
    when c.sub ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
      then nullif(c.sub::uuid, '00000000-0000-0000-0000-000000000000')
  end
  from (
    select nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub' as sub
  ) c;
$$;
