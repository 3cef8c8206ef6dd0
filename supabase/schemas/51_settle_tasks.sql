-- settle_tasks: record the results of a batch of tasks and let all their runs move on.
--
-- Called by workers, with results of any number of runs and flows; the number of statements depends
-- on the queues touched, not on the results. Only the open attempt of a task may report: a late,
-- repeated or stale result changes nothing and is not among the tasks returned.
-- Locks the root runs in id order, then tasks, then queue rows.
create or replace function pgflow.settle_tasks(results jsonb)
  returns setof pgflow.step_tasks
  language plpgsql
  set search_path = ''
  set plan_cache_mode = force_generic_plan
  set enable_seqscan = off
  set enable_hashjoin = off
  set enable_mergejoin = off
  set join_collapse_limit = 1
  set jit = off
as $$
declare
  v_results jsonb := settle_tasks.results;
  v_completed pgflow.settled_task[];
  v_failed pgflow.settled_task[];
  v_child_run_ids uuid[];
  v_watched jsonb;
  v_started_run_ids uuid[];
begin
  if jsonb_typeof(v_results) is distinct from 'array' then
    raise exception using
      errcode = '22023',
      message = 'Cannot settle tasks: results is not an array',
      hint = 'Pass [{"run_id", "step_slug", "task_index", "attempt", "output"}, …].';
  end if;

  select f.child_run_ids, f.watched
  into v_child_run_ids, v_watched
  from pgflow._lock_families(
    array(select (r.result ->> 'run_id')::uuid from jsonb_array_elements(v_results) as r (result))
  ) f;

  if exists (select from pgflow.steps s where s.subflow_slug is not null) then
    select c.results, c.child_run_ids
    into v_results, v_started_run_ids
    from pgflow._start_children(v_results) c;
  end if;

  v_completed := pgflow._record_completions(v_results);
  perform pgflow._settle_completions(v_completed);

  if v_results @? '$[*] ? (exists (@.error_message) || exists (@.release))' then
    v_failed := pgflow._record_failures(v_results);
    perform pgflow._settle_failures(v_failed);
  end if;

  if v_child_run_ids is not null or v_started_run_ids is not null then
    perform pgflow._settle_parents(v_child_run_ids || v_started_run_ids);
  end if;

  if v_watched is not null then
    perform pgflow._send_events(v_watched);
  end if;

  return query
  select t.*
  from unnest(v_completed || v_failed) s
  join pgflow.step_tasks t
    on t.run_id = s.run_id
    and t.step_slug = s.step_slug
    and t.task_index = s.task_index
  union all
  select t.*
  from unnest(v_started_run_ids) as c (run_id)
  join pgflow.runs r
    on r.run_id = c.run_id
  join pgflow.step_tasks t
    on t.run_id = r.parent_run_id
    and t.step_slug = r.parent_step_slug
    and t.task_index = r.parent_task_index;
end;
$$;

comment on function pgflow.settle_tasks(jsonb) is
  'Records outputs, errors and returned tasks of a batch; returns the tasks that it changed.';
