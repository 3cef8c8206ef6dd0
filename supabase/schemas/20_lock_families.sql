-- _lock_families: lock the root runs of the given runs, in id order; return which are child runs,
-- and the states of root runs that somebody may watch.
--
-- Whoever changes runs comes here first, so that no two sessions wait for each other, and passes
-- the states, if there are any, to _send_events last.
create or replace function pgflow._lock_families(
  run_ids uuid[],
  out child_run_ids uuid[],
  out watched jsonb
)
  language plpgsql
  set search_path = ''
as $$
declare
  v_root_run_ids uuid[];
  v_watched_run_ids uuid[];
begin
  select
    array_agg(coalesce(r.root_run_id, r.run_id)),
    array_agg(r.run_id) filter (where r.root_run_id is not null)
  into v_root_run_ids, child_run_ids
  from pgflow.runs r
  where r.run_id = any (_lock_families.run_ids);

  with locked as materialized (
    select r.run_id, r.broadcast
    from pgflow.runs r
    where r.run_id = any (v_root_run_ids)
    order by r.run_id
    for no key update
  )

  select array_agg(l.run_id) filter (where l.broadcast) into v_watched_run_ids from locked l;

  if v_watched_run_ids is not null then
    watched := pgflow._watched_states(v_watched_run_ids);
  end if;
end;
$$;
