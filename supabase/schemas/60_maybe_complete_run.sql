-- maybe_complete_run: complete a run that has no steps left.
--
-- The engine completes runs itself; this is the repair for a run whose counter was changed by hand.
-- Locks the run's root run first.
create or replace function pgflow.maybe_complete_run(run_id uuid)
  returns void
  language plpgsql
  set search_path = ''
as $$
declare
  v_watched jsonb;
begin
  select f.watched into v_watched from pgflow._lock_families(array[maybe_complete_run.run_id]) f;

  update pgflow.runs r
  set
    status = 'completed',
    completed_at = clock_timestamp(),
    output = (select o.output from pgflow.run_outputs o where o.run_id = r.run_id)
  where r.run_id = maybe_complete_run.run_id
    and r.status = 'started'
    and r.remaining_steps = 0;

  if v_watched is not null then
    perform pgflow._send_events(v_watched);
  end if;
end;
$$;

comment on function pgflow.maybe_complete_run(uuid) is 'Completes a run that has no steps left.';
