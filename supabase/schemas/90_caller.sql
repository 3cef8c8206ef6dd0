-- _caller: who calls a function of the API: the role, the user, and what may be read and answered.
--
-- Asked inside security definer functions, where current_user is the owner: the setting "role"
-- still says what the API has set, and without it the login counts. The roles that approvals are
-- assigned to stand in the token's app_metadata, which users cannot change themselves.
create type pgflow.caller as (
  role_name text,
  user_id uuid,
  sees_all boolean,
  assignees text[]
);

comment on type pgflow.caller is
  'Who calls the API; sees_all: bypasses row level security, as the server''s key does.';

create or replace function pgflow._caller()
  returns pgflow.caller
  language sql
  stable
  set search_path = ''
as $$
  select row(
    c.role_name,
    u.user_id,
    coalesce(
      (
        select r.rolsuper or r.rolbypassrls or pg_has_role(r.oid, n.nspowner, 'usage')
        from pg_roles r, pg_namespace n
        where r.rolname = c.role_name
          and n.nspname = 'pgflow'
      ),
      false
    ),
    array(
      select 'user:' || u.user_id
      where u.user_id is not null
      union all
      select 'role:' || m.name
      from (
        select case jsonb_typeof(x.value) when 'string' then x.value #>> '{}' end as name
        from jsonb_path_query(c.claims, 'strict $.app_metadata.role', '{}', true) as x (value)
        union
        select case jsonb_typeof(x.value) when 'string' then x.value #>> '{}' end
        from jsonb_path_query(c.claims, 'strict $.app_metadata.roles[*]', '{}', true) as x (value)
      ) m
      where u.user_id is not null
        and m.name is not null
    )
  )::pgflow.caller
  from (
    select
      coalesce(nullif(current_setting('role', true), 'none'), session_user) as role_name,
      coalesce(nullif(current_setting('request.jwt.claims', true), '')::jsonb, '{}') as claims
  ) c
  cross join lateral (select pgflow._user_id() as user_id) u;
$$;

-- _require_run: the run if the caller may read it; else the same error as if there were none.
create or replace function pgflow._require_run(run_id uuid, verb text)
  returns pgflow.runs
  language plpgsql
  stable
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_caller pgflow.caller := pgflow._caller();
  v_run pgflow.runs;
begin
  select r.* into v_run
  from pgflow.runs r
  where r.run_id = _require_run.run_id
    and (v_caller.sees_all or r.owner = v_caller.user_id);

  if not found then
    raise exception using
      errcode = 'PF005',
      message = format(
        'Cannot %s run "%s": it does not exist',
        _require_run.verb,
        _require_run.run_id
      ),
      hint = 'A run of somebody else looks the same; sign in as its owner.';
  end if;

  return v_run;
end;
$$;

-- _check_api_value: raise if a value is larger or deeper than a client may send.
--
-- The bytes are those that jsonb takes in memory. Nesting is limited far below what Postgres can
-- read, because what is stored now is read later from deeper calls, with less stack left.
create or replace function pgflow._check_api_value(value jsonb, subject text)
  returns void
  language plpgsql
  immutable
  set search_path = ''
as $$
begin
  if pg_column_size(_check_api_value.value) > 4 * 1024 * 1024 then
    raise exception using
      errcode = 'PF015',
      message = format(
        'Cannot %s: the value has %s bytes, more than 4194304',
        _check_api_value.subject,
        pg_column_size(_check_api_value.value)
      ),
      hint = 'Store it elsewhere, for instance in Supabase Storage, and pass where it is.';
  end if;

  if jsonb_path_exists(_check_api_value.value, 'strict $.**{100}') then
    raise exception using
      errcode = 'PF015',
      message = format(
        'Cannot %s: the value is nested deeper than 100 levels',
        _check_api_value.subject
      ),
      hint = 'Pass a flatter value.';
  end if;
end;
$$;

-- _run_json: what a client may see of a run.
create or replace function pgflow._run_json(run pgflow.runs)
  returns jsonb
  language sql
  immutable
  set search_path = ''
as $$
  select jsonb_build_object(
    'run_id', (run).run_id,
    'flow_slug', (run).flow_slug,
    'status', (run).status,
    'input', (run).input,
    'output', (run).output,
    'error_message', (run).error_message,
    'remaining_steps', (run).remaining_steps,
    'owner', nullif((run).owner, '00000000-0000-0000-0000-000000000000'),
    'broadcast', (run).broadcast,
    'root_run_id', (run).root_run_id,
    'parent_run_id', (run).parent_run_id,
    'parent_step_slug', (run).parent_step_slug,
    'parent_task_index', (run).parent_task_index,
    'start_at', (run).start_at,
    'started_at', (run).started_at,
    'completed_at', (run).completed_at,
    'failed_at', (run).failed_at,
    'cancelled_at', (run).cancelled_at
  );
$$;
