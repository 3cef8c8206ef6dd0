-- start_ready_steps: start the created steps of a run that wait for nothing any more.
--
-- The engine starts ready steps itself; this is the repair for a run whose state was changed by
-- hand. Locks the run's root run first.
create or replace function pgflow.start_ready_steps(run_id uuid)
  returns void
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_watched jsonb;
begin
  select f.watched into v_watched from pgflow._lock_families(array[start_ready_steps.run_id]) f;

  perform pgflow._advance_steps(null, array_agg(s.run_id), array_agg(s.step_slug), array_agg(0))
  from pgflow.step_states s
  where s.run_id = start_ready_steps.run_id
    and s.status = 'created'
    and s.remaining_deps = 0;

  if v_watched is not null then
    perform pgflow._send_events(v_watched);
  end if;
end;
$$;

comment on function pgflow.start_ready_steps(uuid) is
  'Starts the steps of a run that wait for nothing any more.';
