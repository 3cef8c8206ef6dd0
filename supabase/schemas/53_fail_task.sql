-- fail_task: record a handler's error; retry the task while attempts remain, else fail it.
--
-- settle_tasks for one task: same locks, and a repeated, late or stale call changes nothing and
-- returns no row. permanent says that no further attempt makes sense.
create or replace function pgflow.fail_task(
  run_id uuid,
  step_slug text,
  task_index int,
  error_message text,
  attempt int default null,
  permanent boolean default false
)
  returns setof pgflow.step_tasks
  language sql
  set search_path = ''
as $$
  select t.*
  from pgflow.settle_tasks(
    jsonb_build_array(
      jsonb_build_object(
        'run_id', fail_task.run_id,
        'step_slug', fail_task.step_slug,
        'task_index', fail_task.task_index,
        'attempt', fail_task.attempt,
        'error_message', fail_task.error_message,
        'permanent', fail_task.permanent
      )
    )
  ) t;
$$;

comment on function pgflow.fail_task(uuid, text, int, text, int, boolean) is
  'Fails an attempt: the task is retried later or, when attempts are spent, fails with its run.';
