-- api_retry_run: let a failed or cancelled run of a caller's go on from where it stopped.
--
-- An owner who may start the flow could start it anew, so may retry as well, within the flow's
-- limits: it counts as a start. One who may not start it any more may not retry either. A run that
-- is open or completed stays as it is.
create or replace function pgflow.api_retry_run(run_id uuid)
  returns jsonb
  language plpgsql
  security definer
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_run pgflow.runs := pgflow._require_run(api_retry_run.run_id, 'retry');
  v_caller pgflow.caller := pgflow._caller();
  v_flow pgflow.flows := pgflow._require_startable(v_run.flow_slug, v_caller);
begin
  if not v_caller.sees_all
    and num_nonnulls(v_flow.open_runs_per_owner, v_flow.starts_per_minute_per_owner) > 0
  then
    perform pgflow._lock_owner_counts(v_flow.flow_slug, v_run.owner);

    -- Looked at again, since another session may have retried it meanwhile.
    perform pgflow._count_start(v_flow, r.owner, r.run_id)
    from pgflow.runs r
    where r.run_id = v_run.run_id
      and r.status in ('failed', 'cancelled');
  end if;

  perform pgflow.retry_run(v_run.run_id);
  return pgflow._run_json(r) from pgflow.runs r where r.run_id = v_run.run_id;
end;
$$;

comment on function pgflow.api_retry_run(uuid) is
  'Lets a failed or cancelled run go on, for an owner who may start its flow.';

-- public.retry_run: what supabase.rpc('retry_run', { run_id }) calls.
create or replace function public.retry_run(run_id uuid)
  returns jsonb
  language sql
  set search_path = ''
as $$
  select pgflow.api_retry_run(retry_run.run_id);
$$;

comment on function public.retry_run(uuid) is
  'Lets a failed or cancelled run of the caller''s go on from where it stopped, and returns it.';
