-- _queue_tasks: create tasks and the messages that point to them, in one statement.
--
-- Takes one entry per task; elements are the inputs of a map's tasks. Messages are sent in the
-- order of run, step and index, one pgmq call per queue. The caller holds the locks of the root
-- runs.
create or replace function pgflow._queue_tasks(
  flow_slugs text[],
  run_ids uuid[],
  step_slugs text[],
  task_indexes int[],
  elements jsonb[]
)
  returns void
  language plpgsql
  set search_path = ''
as $$
begin
  insert into pgflow.step_tasks (
    flow_slug, run_id, step_slug, task_index, input, message_id, queued_at
  )
  select q.flow_slug, t.*, clock_timestamp()
  from (
    select
      n.flow_slug,
      array_agg(n.run_id order by n.run_id, n.step_slug, n.task_index) as run_ids,
      array_agg(n.step_slug order by n.run_id, n.step_slug, n.task_index) as step_slugs,
      array_agg(n.task_index order by n.run_id, n.step_slug, n.task_index) as task_indexes,
      array_agg(n.element order by n.run_id, n.step_slug, n.task_index) as elements,
      array_agg(
        jsonb_build_object(
          'flow_slug', n.flow_slug,
          'run_id', n.run_id,
          'step_slug', n.step_slug,
          'task_index', n.task_index
        )
        order by n.run_id, n.step_slug, n.task_index
      ) as messages
    from unnest(
      _queue_tasks.flow_slugs,
      _queue_tasks.run_ids,
      _queue_tasks.step_slugs,
      _queue_tasks.task_indexes,
      _queue_tasks.elements
    ) as n (flow_slug, run_id, step_slug, task_index, element)
    group by n.flow_slug
  ) q
  cross join lateral unnest(
    q.run_ids,
    q.step_slugs,
    q.task_indexes,
    q.elements,
    array(select pgmq.send_batch(queue_name => q.flow_slug, msgs => q.messages))
  ) as t;
end;
$$;
