-- Who may do what: the only file that names roles.
--
-- Nothing is granted by default. Workers and migrations connect as the owner of this schema;
-- clients come through the API and reach the functions granted here, nothing else. No table is
-- granted to anybody: the policies below are what would still hold if one were, and the schema
-- exposed.

revoke all on schema pgflow from public;
revoke all on all tables in schema pgflow from public;
revoke all on all functions in schema pgflow from public;
revoke all on all procedures in schema pgflow from public;

do $$
declare
  v_everybody text[] := array['start_flow(text, jsonb, uuid, text, timestamptz, uuid)'];
  v_signed_in text[] := array[
    'get_run(uuid)',
    'list_runs(text, text, int, jsonb)',
    'cancel_run(uuid)',
    'retry_run(uuid)',
    'complete_step(uuid, text, jsonb, int)',
    'fail_step(uuid, text, text, int)',
    'list_approvals(int, jsonb)'
  ];
  v_role text;
  v_function text;
begin
  foreach v_function in array v_everybody || v_signed_in loop
    execute format('revoke all on function public.%s from public', v_function);
  end loop;

  -- Plain Postgres has no API roles; Supabase grants new functions in public to them by name.
  foreach v_role in array array['anon', 'authenticated', 'service_role'] loop
    continue when to_regrole(v_role) is null;

    execute format('revoke all on all tables in schema pgflow from %I', v_role);
    execute format('revoke all on all functions in schema pgflow from %I', v_role);
    execute format('revoke all on all procedures in schema pgflow from %I', v_role);
    execute format('grant usage on schema pgflow to %I', v_role);

    foreach v_function in array v_everybody || v_signed_in loop
      execute format('revoke all on function public.%s from %I', v_function, v_role);

      -- Each function of the API, and the one behind it.
      if v_role <> 'anon' or v_function = any (v_everybody) then
        execute format('grant execute on function public.%s to %I', v_function, v_role);
        execute format('grant execute on function pgflow.api_%s to %I', v_function, v_role);
      end if;
    end loop;

  end loop;

  if to_regrole('anon') is not null and to_regrole('authenticated') is not null then
    -- Asked by Realtime in the role of whoever wants to join a topic.
    grant execute on function pgflow._may_watch(text) to anon, authenticated;
    perform pgflow._guard_realtime('authenticated', 'anon');
  end if;
end;
$$;

do $$
begin
  if to_regrole('authenticated') is null then
    return;
  end if;

  -- Asked by the policies, in the role of whoever reads.
  grant execute on function pgflow._user_id() to authenticated;

  create policy owners_read_runs on pgflow.runs
    for select to authenticated
    using (owner = (select pgflow._user_id()));

  create policy owners_read_steps on pgflow.step_states
    for select to authenticated
    using (
      (select r.owner from pgflow.runs r where r.run_id = step_states.run_id)
        = (select pgflow._user_id())
    );

  create policy owners_read_tasks on pgflow.step_tasks
    for select to authenticated
    using (
      (select r.owner from pgflow.runs r where r.run_id = step_tasks.run_id)
        = (select pgflow._user_id())
    );

  create policy owners_read_failures on pgflow.task_failures
    for select to authenticated
    using (
      (select r.owner from pgflow.runs r where r.run_id = task_failures.run_id)
        = (select pgflow._user_id())
    );

  create policy nobody_reads_flows on pgflow.flows for all to authenticated using (false);
  create policy nobody_reads_steps on pgflow.steps for all to authenticated using (false);
  create policy nobody_reads_deps on pgflow.deps for all to authenticated using (false);
  create policy nobody_reads_counts on pgflow.owner_counts for all to authenticated using (false);
  create policy nobody_reads_functions on pgflow.functions for all to authenticated using (false);
  create policy nobody_reads_workers on pgflow.workers for all to authenticated using (false);
end;
$$;
