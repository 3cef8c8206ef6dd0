-- _record_completions: move the tasks whose results are outputs, and say which really moved.
--
-- Only an open attempt may report, checked in the update itself; of two results for one task the
-- first counts.
create or replace function pgflow._record_completions(results jsonb)
  returns pgflow.settled_task[]
  language plpgsql
  set search_path = ''
as $$
declare
  v_tasks pgflow.settled_task[];
begin
  with completed as (
    update pgflow.step_tasks t
    set
      status = 'completed',
      completed_at = now(),
      output = coalesce(e.result -> 'output', 'null'),
      error_message = null,
      open_attempt = null,
      due_at = null
    from jsonb_array_elements(_record_completions.results) as e (result)
    where t.run_id = (e.result ->> 'run_id')::uuid
      and t.step_slug = e.result ->> 'step_slug'
      and t.task_index = coalesce((e.result ->> 'task_index')::int, 0)
      and t.status in ('queued', 'started')
      and coalesce((e.result ->> 'attempt')::int = t.open_attempt, e.result ->> 'attempt' is null)
      and not e.result ? 'error_message'
      and not e.result @> '{"release": true}'
    returning
      t.flow_slug, t.run_id, t.step_slug, t.task_index, t.message_id, t.attempts_count,
      t.last_worker_id
  )

  select array_agg(
    row(
      c.flow_slug, c.run_id, c.step_slug, c.task_index, c.message_id, 'completed', 0, null,
      c.attempts_count, c.last_worker_id
    )::pgflow.settled_task
  )
  into v_tasks
  from completed c;

  return coalesce(v_tasks, '{}');
end;
$$;

-- _record_failures: move the tasks whose results are errors or given back, and say what became of
-- each.
--
-- Outcomes are retried, exhausted (the last attempt failed) and released. A failure that ends its
-- step or run makes later ones of the batch meaningless, as if each had come in a call of its own.
-- A failure of a task that nobody claimed counts as an attempt too, so that it cannot fail for
-- ever.
create or replace function pgflow._record_failures(results jsonb)
  returns pgflow.settled_task[]
  language plpgsql
  set search_path = ''
  set join_collapse_limit = 1
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
      coalesce(e.result ->> 'error_message', 'unknown error') as error_message,
      coalesce((e.result ->> 'permanent')::boolean, false) as permanent,
      e.result ? 'error_message' as failed,
      -- Set by the poll that finds a task without attempts left: nobody made one more.
      e.result ? 'unclaimed' as unclaimed,
      e.position
    from jsonb_array_elements(_record_failures.results) with ordinality as e (result, position)
    where e.result ? 'error_message'
      or e.result @> '{"release": true}'
  ),

  open_tasks as (
    select distinct on (t.run_id, t.step_slug, t.task_index)
      t.run_id,
      t.step_slug,
      t.task_index,
      t.message_id,
      r.attempt,
      r.unclaimed,
      r.error_message,
      r.position,
      case
        when not r.failed then 'released'
        when r.permanent or l.attempts >= l.max_attempts then 'exhausted'
        else 'retried'
      end as outcome,
      case
        when not r.failed then 0
        else pgflow._retry_delay(
          coalesce(st.opt_base_delay, f.opt_base_delay),
          l.attempts,
          f.opt_retry_jitter
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
      and (r.failed or t.open_attempt is not null)
    order by t.run_id, t.step_slug, t.task_index, r.position
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
    where o.position <= least(o.run_ends_at, o.step_ends_at)
      or (o.run_ends_at is null and o.step_ends_at is null)
  ),

  moved as (
    update pgflow.step_tasks t
    set
      status = case a.outcome when 'exhausted' then 'failed' else 'queued' end,
      failed_at = case when a.outcome = 'exhausted' then now() end,
      started_at = case when a.outcome = 'exhausted' then t.started_at end,
      error_message = case a.outcome when 'released' then t.error_message else a.error_message end,
      attempts_count = t.attempts_count
        + (a.outcome <> 'released' and not a.unclaimed and t.open_attempt is null)::int,
      attempts_forgiven = t.attempts_forgiven + (a.outcome = 'released')::int,
      open_attempt = null,
      -- A distant retry waits outside the queue, which must not fill with invisible messages.
      due_at = case
        when a.outcome = 'retried' and (a.seconds > 60 or t.message_id is null) then
          clock_timestamp() + make_interval(secs => a.seconds)
      end,
      message_id = case when a.outcome <> 'retried' or a.seconds <= 60 then t.message_id end
    from accepted a
    where t.run_id = a.run_id
      and t.step_slug = a.step_slug
      and t.task_index = a.task_index
      and t.status in ('queued', 'started')
      and (a.attempt is null or a.attempt = t.open_attempt)
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
