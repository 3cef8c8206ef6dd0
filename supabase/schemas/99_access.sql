-- Who may do what: the only file that names roles.
--
-- Nothing is granted by default. Workers and migrations connect as the owner of this schema;
-- clients come through the API and reach the functions granted here, nothing else.

revoke all on schema pgflow from public;
revoke all on all tables in schema pgflow from public;
revoke all on all functions in schema pgflow from public;
revoke all on all procedures in schema pgflow from public;
revoke all on function public.start_flow(text, jsonb, uuid, text, timestamptz) from public;

do $$
declare
  v_role text;
begin
  -- Plain Postgres has no API roles; Supabase grants new functions in public to them by name.
  foreach v_role in array array['anon', 'authenticated', 'service_role'] loop
    if to_regrole(v_role) is not null then
      execute format('revoke all on all tables in schema pgflow from %I', v_role);
      execute format('revoke all on all functions in schema pgflow from %I', v_role);
      execute format('revoke all on all procedures in schema pgflow from %I', v_role);
      execute format(
        'revoke all on function public.start_flow(text, jsonb, uuid, text, timestamptz) from %I',
        v_role
      );
    end if;
  end loop;

  if to_regrole('anon') is not null and to_regrole('authenticated') is not null then
    -- Asked by Realtime in the role of whoever wants to join a topic.
    grant execute on function pgflow._may_watch(text) to anon, authenticated;
    perform pgflow._guard_realtime('authenticated', 'anon');
  end if;

  if to_regrole('service_role') is not null then
    grant usage on schema pgflow to service_role;
    grant execute on function
      pgflow.api_start_flow(text, jsonb, uuid, text, timestamptz),
      public.start_flow(text, jsonb, uuid, text, timestamptz)
      to service_role;
  end if;
end;
$$;
