import type postgres from "postgres";

/**
 * Returns what is wrong in the tables and queues at this moment: pgflow.broken_invariants, and the
 * same and more asked in another way.
 */
export async function brokenRules(sql: postgres.Sql): Promise<string[]> {
  const rows = await sql<{ broken: string }[]>`
    with messages as materialized (
      select m.* from pgflow._messages() m
    ),

    tasks as materialized (
      select
        t.*,
        t.status in ('queued', 'started', 'waiting') as is_open,
        st.performed_by,
        coalesce(st.opt_timeout, f.opt_timeout) as timeout,
        greatest(coalesce(st.opt_max_attempts, f.opt_max_attempts), 1) as attempt_limit
      from pgflow.step_tasks t
      join pgflow.steps st using (flow_slug, step_slug)
      join pgflow.flows f using (flow_slug)
    ),

    steps as materialized (
      select
        s.*,
        st.step_type,
        s.status in ('created', 'started') as is_open,
        c.tasks,
        c.open,
        c.completed
      from pgflow.step_states s
      join pgflow.steps st using (flow_slug, step_slug)
      cross join lateral (
        select
          count(*) as tasks,
          count(*) filter (where t.status in ('queued', 'started', 'waiting')) as open,
          count(*) filter (where t.status = 'completed') as completed
        from pgflow.step_tasks t
        where t.run_id = s.run_id
          and t.step_slug = s.step_slug
      ) c
    ),

    runs as materialized (
      select
        r.*,
        count(s.step_slug) as steps,
        count(s.step_slug) filter (where s.is_open) as open,
        count(s.step_slug) filter (where s.status in ('failed', 'cancelled')) as broken_off
      from pgflow.runs r
      left join steps s using (run_id)
      group by r.run_id
    )

    select concat_ws(' ', 'view:', b.invariant, b.run_id, b.step_slug, b.task_index) as broken
    from pgflow.broken_invariants b

    union all
    select concat_ws(' ', 'run', x.wrong, r.run_id)
    from runs r
    cross join lateral (
      select unnest(array[
        case when r.status in ('started', 'completed') and r.remaining_steps <> r.open
          then 'counts other steps than are open' end,
        case when (r.status = 'started') <> (r.open > 0) then 'is open and its steps are not, or the other way round' end,
        case when r.status in ('started', 'completed') and r.broken_off > 0
          then 'goes on or completed over a broken-off step' end,
        case when (r.status = 'completed') <> (r.output is not null) then 'has an output it should not have, or none' end,
        case when (r.status = 'failed') and r.error_message is null then 'failed without a message' end,
        case when r.status in ('started', 'completed') and r.error_message is not null then 'has an error' end,
        case when r.steps <> (select count(*) from pgflow.steps s where s.flow_slug = r.flow_slug)
          then 'has not one state per step' end,
        case when r.parent_run_id is not null and r.root_run_id is distinct from (
          select coalesce(p.root_run_id, p.run_id) from pgflow.runs p where p.run_id = r.parent_run_id
        ) then 'has another root than its parent' end,
        case when r.parent_run_id is not null and r.status = 'started' and not exists (
          select from tasks t
          where t.run_id = r.parent_run_id
            and t.step_slug = r.parent_step_slug
            and t.task_index = r.parent_task_index
            and t.status = 'waiting'
            and t.child_run_id = r.run_id
        ) then 'is an open child that no task waits for' end
      ]) as wrong
    ) x
    where x.wrong is not null

    union all
    select concat_ws(' ', 'step', x.wrong, s.run_id, s.step_slug)
    from steps s
    join pgflow.runs r using (run_id)
    cross join lateral (
      select unnest(array[
        case when s.status = 'started' and (
          s.remaining_tasks <> s.open or s.initial_tasks <> s.tasks or s.completed + s.open <> s.tasks
        ) then 'is started and counts other tasks than there are' end,
        case when s.status = 'completed' and (s.completed <> s.initial_tasks or s.tasks <> s.completed)
          then 'is completed with tasks that are not' end,
        case when s.status <> 'started' and s.open > 0 then 'is not started but has open tasks' end,
        case when s.status = 'created' and s.tasks > 0 then 'is created and has tasks' end,
        case when s.status = 'created' and s.remaining_deps <> (
          select count(*) filter (where d.is_open) from pgflow.deps e
          join steps d on d.run_id = s.run_id and d.step_slug = e.dep_slug
          where e.flow_slug = s.flow_slug and e.step_slug = s.step_slug
        ) then 'waits for other steps than are open' end,
        case when s.status = 'created' and s.remaining_deps = 0 then 'waits for nothing' end,
        case when (s.output is not null) <> (s.status = 'completed' and s.step_type = 'map')
          then 'has an output it should not have, or none' end,
        case when s.status = 'failed' and s.error_message is null then 'failed without a message' end
      ]) as wrong
    ) x
    where x.wrong is not null

    union all
    select concat_ws(' ', 'task', x.wrong, t.run_id, t.step_slug, t.task_index)
    from tasks t
    left join messages m on m.flow_slug = t.flow_slug and m.message_id = t.message_id
    cross join lateral (
      select unnest(array[
        case when t.status in ('queued', 'started') and (t.due_at is null) = (m.message_id is null)
          then 'is both in and outside the queue, or neither' end,
        case when not (t.is_open and t.status <> 'waiting') and m.message_id is not null
          then 'has ended or waits and has a message' end,
        case when t.status = 'started' and t.open_attempt is null then 'is started without an attempt' end,
        case when t.attempts_count - t.attempts_forgiven > t.attempt_limit then 'had too many attempts' end,
        case when t.open_attempt is not null and m.visible_at > clock_timestamp() + interval '2 seconds'
          and abs(extract(epoch from m.visible_at - t.started_at) - t.timeout - 2) > 10
          then 'is hidden for another time than its timeout' end,
        case when t.status = 'waiting' and t.performed_by = 'handler' then 'waits for nothing' end,
        case when t.status = 'waiting' and t.performed_by = 'approval' and t.open_attempt is not null
          then 'is an approval that was claimed' end,
        case when t.status = 'failed' and t.error_message is null then 'failed without a message' end,
        case when t.status = 'completed' and t.error_message is not null then 'completed with an error' end
      ]) as wrong
    ) x
    where x.wrong is not null

    union all
    select concat_ws(' ', 'message without an open task', m.flow_slug, m.message_id)
    from messages m
    where not exists (
      select from tasks t
      where t.flow_slug = m.flow_slug and t.message_id = m.message_id and t.status in ('queued', 'started')
    )

    union all
    select concat_ws(' ', 'failure of an attempt that never was', f.run_id, f.step_slug, f.task_index, f.attempt)
    from pgflow.task_failures f
    join tasks t using (run_id, step_slug, task_index)
    where f.attempt > t.attempts_count
      or (f.attempt = t.open_attempt)

    union all
    select concat_ws(' ', 'two tasks share a message', t.flow_slug, t.message_id)
    from tasks t
    where t.message_id is not null and t.status in ('queued', 'started')
    group by t.flow_slug, t.message_id
    having count(*) > 1`;
  return rows.map((row) => row.broken);
}
