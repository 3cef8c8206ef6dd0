-- complete_task: record a handler's output and let its run move on.
--
-- settle_tasks for one task: same locks, and a repeated, late or stale call changes nothing and
-- returns no row. Without attempt it settles whichever attempt is open, or a task not yet claimed.
create or replace function pgflow.complete_task(
  run_id uuid,
  step_slug text,
  task_index int,
  output jsonb,
  attempt int default null
)
  returns setof pgflow.step_tasks
  language sql
  set search_path = ''
as $$
  select t.*
  from pgflow.settle_tasks(
    jsonb_build_array(
      jsonb_build_object(
        'run_id', complete_task.run_id,
        'step_slug', complete_task.step_slug,
        'task_index', complete_task.task_index,
        'attempt', complete_task.attempt,
        'output', complete_task.output
      )
    )
  ) t;
$$;

comment on function pgflow.complete_task(uuid, text, int, jsonb, int) is
  'Completes a task with its output and returns it, or nothing if the report changed nothing.';
