-- _record_results: move the tasks that results report, and say what became of each.
--
-- One update for the whole batch. Outcomes are completed, retried, exhausted (its last attempt failed)
-- and released (given back). Completions count before failures, and a failure that ends its step or
-- run makes later failures of the batch meaningless, as it would if each came in a call of its own.
-- A failure of a task that nobody claimed counts as an attempt too, so that it cannot fail for ever.
create or replace function pgflow._record_results(results jsonb)
  returns pgflow.settled_task[]
  language plpgsql
  set search_path = ''
as $$
declare
  v_tasks pgflow.settled_task[];
begin
  with reported as (
    select
      (e.result ->> 'run_id')::uuid as run_id,
      e.result ->> 'step_slug' as step_slug,
      coalesce((e.result ->> 'task_index')::int, 0) as task_index,
      (e.result ->> 'attempt')::int as attempt,
      coalesce(e.result -> 'output', 'null') as output,
      coalesce(e.result ->> 'error_message', 'unknown error') as error_message,
      coalesce((e.result ->> 'permanent')::boolean, false) as permanent,
      case
        when e.result ? 'error_message' then 'failure'
        when (e.result ->> 'release')::boolean then 'release'
        else 'completion'
      end as kind,
      e.position
    from jsonb_array_elements(_record_results.results) with ordinality as e (result, position)
  ),

  open_tasks as (
    select distinct on (t.run_id, t.step_slug, t.task_index)
      t.run_id,
      t.step_slug,
      t.task_index,
      t.message_id,
      r.output,
      r.error_message,
      r.position,
      case
        when r.kind = 'completion' then 'completed'
        when r.kind = 'release' then 'released'
        when r.permanent or l.attempts >= l.max_attempts then 'exhausted'
        else 'retried'
      end as outcome,
      case
        when r.kind <> 'failure' then 0
        else pgflow.calculate_retry_delay(
          coalesce(st.opt_base_delay, f.opt_base_delay),
          l.attempts
        )
      end as seconds,
      st.when_exhausted
    from reported r
    join pgflow.step_tasks t
      on t.run_id = r.run_id
      and t.step_slug = r.step_slug
      and t.task_index = r.task_index
    join pgflow.steps st
      on st.flow_slug = t.flow_slug
      and st.step_slug = t.step_slug
    join pgflow.flows f
      on f.flow_slug = t.flow_slug
    cross join lateral (
      select
        t.attempts_count + (t.open_attempt is null)::int - t.attempts_forgiven as attempts,
        greatest(coalesce(st.opt_max_attempts, f.opt_max_attempts), 1) as max_attempts
    ) l
    where t.status in ('queued', 'started')
      and (r.attempt is null or r.attempt = t.open_attempt)
      and (r.kind <> 'release' or t.open_attempt is not null)
    order by t.run_id, t.step_slug, t.task_index, r.kind <> 'completion', r.position
  ),

  accepted as (
    select *
    from (
      select
        o.*,
        min(o.position) filter (where o.outcome = 'exhausted' and o.when_exhausted = 'fail')
          over (partition by o.run_id) as run_ends_at,
        min(o.position) filter (where o.outcome = 'exhausted')
          over (partition by o.run_id, o.step_slug) as step_ends_at
      from open_tasks o
    ) o
    where o.outcome = 'completed'
      or o.position <= least(o.run_ends_at, o.step_ends_at)
      or (o.run_ends_at is null and o.step_ends_at is null)
  ),

  moved as (
    update pgflow.step_tasks t
    set
      status = case a.outcome
        when 'completed' then 'completed'
        when 'exhausted' then 'failed'
        else 'queued'
      end,
      completed_at = case when a.outcome = 'completed' then now() end,
      failed_at = case when a.outcome = 'exhausted' then now() end,
      started_at = case when a.outcome in ('completed', 'exhausted') then t.started_at end,
      output = case when a.outcome = 'completed' then a.output end,
      error_message = case a.outcome
        when 'completed' then null
        when 'released' then t.error_message
        else a.error_message
      end,
      attempts_count = t.attempts_count
        + (a.outcome in ('retried', 'exhausted') and t.open_attempt is null)::int,
      attempts_forgiven = t.attempts_forgiven + (a.outcome = 'released')::int,
      open_attempt = null,
      -- A distant retry waits outside the queue, which must not fill with invisible messages.
      due_at = case
        when a.outcome = 'retried' and a.seconds > 60 then
          clock_timestamp() + make_interval(secs => a.seconds)
      end,
      message_id = case when a.outcome <> 'retried' or a.seconds <= 60 then t.message_id end
    from accepted a
    where t.run_id = a.run_id
      and t.step_slug = a.step_slug
      and t.task_index = a.task_index
    returning
      t.flow_slug, t.run_id, t.step_slug, t.task_index, a.message_id, a.outcome, a.seconds,
      a.error_message, t.attempts_count, t.last_worker_id
  )

  select array_agg(
    row(
      m.flow_slug, m.run_id, m.step_slug, m.task_index, m.message_id, m.outcome, m.seconds,
      m.error_message, m.attempts_count, m.last_worker_id
    )::pgflow.settled_task
  )
  into v_tasks
  from moved m;

  return coalesce(v_tasks, '{}');
end;
$$;
