-- start_ready_steps: start the created steps of a run that wait for nothing any more.
--
-- The engine starts ready steps itself; this is the repair for a run whose state was changed by hand.
-- Locks the run's root run first.
create or replace function pgflow.start_ready_steps(run_id uuid)
  returns void
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
begin
  perform pgflow._lock_families(array[start_ready_steps.run_id]);

  perform pgflow._advance_steps(null, array_agg(s.run_id), array_agg(s.step_slug), array_agg(0))
  from pgflow.step_states s
  where s.run_id = start_ready_steps.run_id
    and s.status = 'created'
    and s.remaining_deps = 0;
end;
$$;

-- _lock_families: lock the root runs of the given runs, in id order.
--
-- Whoever changes runs comes here first, so that no two sessions wait for each other.
create or replace function pgflow._lock_families(run_ids uuid[])
  returns void
  language plpgsql
  set search_path = ''
as $$
begin
  perform
  from pgflow.runs r
  where r.run_id in (
    select coalesce(c.root_run_id, c.run_id)
    from pgflow.runs c
    where c.run_id = any (_lock_families.run_ids)
  )
  order by r.run_id
  for no key update;
end;
$$;

comment on function pgflow.start_ready_steps(uuid) is
  'Starts the steps of a run that wait for nothing any more.';
