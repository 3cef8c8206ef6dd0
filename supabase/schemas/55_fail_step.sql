-- fail_step: answer an approval with an error.
--
-- There is no second attempt: the step ends as its when_exhausted says. A task that does not wait
-- for an answer is an error.
create or replace function pgflow.fail_step(
  run_id uuid,
  step_slug text,
  error_message text,
  task_index int default 0
)
  returns setof pgflow.step_tasks
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_child_run_ids uuid[];
  v_watched jsonb;
  v_task pgflow.step_tasks;
begin
  select f.child_run_ids, f.watched
  into v_child_run_ids, v_watched
  from pgflow._lock_families(array[fail_step.run_id]) f;

  v_task := pgflow._require_approval(
    fail_step.run_id, fail_step.step_slug, fail_step.task_index, 'fail'
  );

  update pgflow.step_tasks t
  set
    status = 'failed',
    failed_at = now(),
    error_message = coalesce(fail_step.error_message, 'no reason given'),
    attempts_count = t.attempts_count + 1,
    due_at = null,
    waiting_since = null
  where t.run_id = v_task.run_id
    and t.step_slug = v_task.step_slug
    and t.task_index = v_task.task_index
  returning * into v_task;

  perform pgflow._settle_failures(array[pgflow._to_settled_task(v_task, 'exhausted')]);
  perform pgflow._settle_parents(v_child_run_ids);
  perform pgflow._wake_workers_of_run(v_task.run_id);

  if v_watched is not null then
    perform pgflow._send_events(v_watched);
  end if;

  return next v_task;
end;
$$;

comment on function pgflow.fail_step(uuid, text, text, int) is
  'Answers an approval with an error and returns its task; an error if it does not wait for one.';
