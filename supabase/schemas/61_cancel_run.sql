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
  v_watched jsonb;
begin
  select f.child_run_ids, f.watched
  into v_child_run_ids, v_watched
  from pgflow._lock_families(array[cancel_run.run_id]) f;

  if not exists (
    select from pgflow.runs r where r.run_id = cancel_run.run_id and r.status = 'started'
  ) then
    return;
  end if;

  perform pgflow._end_runs('cancelled', array[cancel_run.run_id], array[null::text]);
  perform pgflow._settle_parents(v_child_run_ids);

  if v_watched is not null then
    perform pgflow._send_events(v_watched);
  end if;

  return query select r.* from pgflow.runs r where r.run_id = cancel_run.run_id;
end;
$$;

comment on function pgflow.cancel_run(uuid) is
  'Cancels an open run with all that is open in it, and returns it; nothing if it has ended.';
