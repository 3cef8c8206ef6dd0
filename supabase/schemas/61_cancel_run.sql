-- cancel_run: end a run that is open; its open steps, tasks and child runs end with it.
--
-- Returns the run if this call cancelled it; a run that has ended stays as it is. A task that waits
-- for this run as its child fails. Locks the run's root run first.
create or replace function pgflow.cancel_run(run_id uuid)
  returns setof pgflow.runs
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_child_run_ids uuid[];
begin
  v_child_run_ids := pgflow._lock_families(array[cancel_run.run_id]);

  if not exists (
    select from pgflow.runs r where r.run_id = cancel_run.run_id and r.status = 'started'
  ) then
    return;
  end if;

  perform pgflow._end_runs('cancelled', array[cancel_run.run_id], array[null::text]);
  perform pgflow._settle_parents(v_child_run_ids);

  return query select r.* from pgflow.runs r where r.run_id = cancel_run.run_id;
end;
$$;

comment on function pgflow.cancel_run(uuid) is
  'Cancels an open run with all that is open in it, and returns it; nothing if it has ended.';
