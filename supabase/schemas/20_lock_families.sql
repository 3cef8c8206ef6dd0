-- _lock_families: lock the root runs of the given runs, in id order; return which are child runs.
--
-- Whoever changes runs comes here first, so that no two sessions wait for each other.
create or replace function pgflow._lock_families(run_ids uuid[])
  returns uuid[]
  language plpgsql
  set search_path = ''
as $$
declare
  v_root_run_ids uuid[];
  v_child_run_ids uuid[];
begin
  select
    array_agg(coalesce(r.root_run_id, r.run_id)),
    array_agg(r.run_id) filter (where r.root_run_id is not null)
  into v_root_run_ids, v_child_run_ids
  from pgflow.runs r
  where r.run_id = any (_lock_families.run_ids);

  perform
  from pgflow.runs r
  where r.run_id = any (v_root_run_ids)
  order by r.run_id
  for no key update;

  return v_child_run_ids;
end;
$$;
