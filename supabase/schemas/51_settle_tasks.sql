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
  v_tasks pgflow.settled_task[];
  v_failures pgflow.settled_task[];
begin
  if jsonb_typeof(settle_tasks.results) is distinct from 'array' then
    raise exception using
      errcode = '22023',
      message = 'Cannot settle tasks: results is not an array',
      hint = 'Pass [{"run_id", "step_slug", "task_index", "attempt", "output"}, …].';
  end if;

  perform
  from pgflow.runs r
  where r.run_id in (
    select coalesce(c.root_run_id, c.run_id)
    from jsonb_array_elements(settle_tasks.results) as x (result)
    join pgflow.runs c on c.run_id = (x.result ->> 'run_id')::uuid
  )
  order by r.run_id
  for no key update;

  v_tasks := pgflow._record_completions(settle_tasks.results);
  perform pgflow._settle_completions(v_tasks);

  if settle_tasks.results @? '$[*] ? (exists (@.error_message) || exists (@.release))' then
    v_failures := pgflow._record_failures(settle_tasks.results);
    perform pgflow._settle_failures(v_failures);
    v_tasks := v_tasks || v_failures;
  end if;

  return query
  select t.*
  from unnest(v_tasks) s
  join pgflow.step_tasks t
    on t.run_id = s.run_id
    and t.step_slug = s.step_slug
    and t.task_index = s.task_index;
end;
$$;

comment on function pgflow.settle_tasks(jsonb) is
  'Records outputs, errors and returned tasks of a batch; returns the tasks that it changed.';
