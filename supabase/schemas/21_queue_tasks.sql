-- _queue_tasks: create the tasks of steps that have just started, and their messages.
--
-- One statement for any number of runs and steps. A map gets one task per element, which is stored
-- as the task's input. Tasks that must wait (a start delay, a run that starts later, an approval)
-- get no message. The caller holds the locks of the steps' root runs.
create or replace function pgflow._queue_tasks(run_ids uuid[], step_slugs text[])
  returns void
  language plpgsql
  set search_path = ''
as $$
begin
  with new_tasks as materialized (
    select
      s.flow_slug,
      s.run_id,
      s.step_slug,
      e.task_index,
      e.element,
      case when st.performed_by = 'approval' then 'waiting' else 'queued' end as status,
      case
        when st.performed_by = 'approval' then now() + make_interval(secs => st.opt_timeout)
        when st.opt_start_delay > 0 or r.start_at > now() then
          greatest(r.start_at, now()) + make_interval(secs => coalesce(st.opt_start_delay, 0))
      end as due_at
    from unnest(_queue_tasks.run_ids, _queue_tasks.step_slugs) as x (run_id, step_slug)
    join pgflow.step_states s
      on s.run_id = x.run_id
      and s.step_slug = x.step_slug
    join pgflow.steps st
      on st.flow_slug = s.flow_slug
      and st.step_slug = s.step_slug
    join pgflow.runs r
      on r.run_id = s.run_id
    cross join lateral (
      select 0 as task_index, null::jsonb as element
      where st.step_type = 'single'
      union all
      select (a.position - 1)::int, a.element
      from jsonb_array_elements(
        case
          when st.step_type = 'map' then (
            select m.elements
            from pgflow.map_elements m
            where m.run_id = s.run_id
              and m.step_slug = s.step_slug
          )
        end
      ) with ordinality as a (element, position)
    ) e
  ),

  queues as (
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
    from new_tasks n
    where n.status = 'queued'
      and n.due_at is null
    group by n.flow_slug
  )

  insert into pgflow.step_tasks (
    flow_slug, run_id, step_slug, task_index, message_id, status, due_at, input, queued_at
  )
  select
    q.flow_slug, t.run_id, t.step_slug, t.task_index, t.message_id, 'queued', null, t.element,
    clock_timestamp()
  from queues q
  cross join lateral unnest(
    q.run_ids,
    q.step_slugs,
    q.task_indexes,
    q.elements,
    array(select pgmq.send_batch(queue_name => q.flow_slug, msgs => q.messages))
  ) as t (run_id, step_slug, task_index, element, message_id)
  union all
  select
    n.flow_slug, n.run_id, n.step_slug, n.task_index, null, n.status, n.due_at, n.element,
    clock_timestamp()
  from new_tasks n
  where n.status = 'waiting'
    or n.due_at is not null;
end;
$$;
