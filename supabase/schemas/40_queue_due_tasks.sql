-- _queue_due_tasks: let tasks that waited outside the queue enter it, now that they are due.
--
-- Called by whoever polls, so that no timer is needed; at most 1,000 at a time. Skips tasks that
-- another session holds and waits for nothing. The time is an argument because an index is not
-- searched for what clock_timestamp() gives: all that is not due yet would be read as well.
create or replace function pgflow._queue_due_tasks(flow_slug text, due_before timestamptz)
  returns void
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
begin
  with due_tasks as materialized (
    select t.run_id, t.step_slug, t.task_index
    from pgflow.step_tasks t
    where t.flow_slug = _queue_due_tasks.flow_slug
      and t.due_at <= _queue_due_tasks.due_before
      and t.status = 'queued'
    order by t.due_at
    limit 1000
    for no key update skip locked
  ),

  batch as (
    select
      array_agg(d.run_id order by d.run_id, d.step_slug, d.task_index) as run_ids,
      array_agg(d.step_slug order by d.run_id, d.step_slug, d.task_index) as step_slugs,
      array_agg(d.task_index order by d.run_id, d.step_slug, d.task_index) as task_indexes,
      array_agg(
        jsonb_build_object(
          'flow_slug', _queue_due_tasks.flow_slug,
          'run_id', d.run_id,
          'step_slug', d.step_slug,
          'task_index', d.task_index
        )
        order by d.run_id, d.step_slug, d.task_index
      ) as messages
    from due_tasks d
    having count(*) > 0
  )

  update pgflow.step_tasks t
  set
    message_id = q.message_id,
    due_at = null
  from batch b
  cross join lateral unnest(
    b.run_ids,
    b.step_slugs,
    b.task_indexes,
    array(select pgmq.send_batch(queue_name => _queue_due_tasks.flow_slug, msgs => b.messages))
  ) as q (run_id, step_slug, task_index, message_id)
  where t.run_id = q.run_id
    and t.step_slug = q.step_slug
    and t.task_index = q.task_index;
end;
$$;

-- _end_due_approvals: end approvals whose time is over, as their when_exhausted says.
--
-- At most 100 at a time, and only where no other session holds the run. The lock timeout covers
-- what is locked after the run: a poll waits for nobody, it raises and its caller goes on without.
create or replace function pgflow._end_due_approvals(flow_slug text, due_before timestamptz)
  returns void
  language plpgsql
  set search_path = ''
  set lock_timeout = '5ms'
as $$
#variable_conflict use_column
declare
  v_due record;
  v_root_run_ids uuid[];
  v_watched jsonb;
  v_tasks pgflow.settled_task[];
begin
  select
    array_agg(d.run_id) as run_ids,
    array_agg(d.step_slug) as step_slugs,
    array_agg(d.task_index) as task_indexes,
    array_agg(coalesce(r.root_run_id, r.run_id)) as root_run_ids
  into v_due
  from (
    select t.run_id, t.step_slug, t.task_index
    from pgflow.step_tasks t
    where t.flow_slug = _end_due_approvals.flow_slug
      and t.due_at <= _end_due_approvals.due_before
      and t.status = 'waiting'
    order by t.due_at
    limit 100
  ) d
  join pgflow.runs r
    on r.run_id = d.run_id;

  v_root_run_ids := array(
    select r.run_id
    from pgflow.runs r
    where r.run_id = any (v_due.root_run_ids)
    order by r.run_id
    for no key update skip locked
  );

  v_watched := pgflow._watched_states(
    array(select r.run_id from pgflow.runs r where r.run_id = any (v_root_run_ids) and r.broadcast)
  );

  with ended as (
    update pgflow.step_tasks t
    set
      status = 'failed',
      failed_at = now(),
      error_message = '[timeout] nobody answered in time',
      attempts_count = t.attempts_count + 1,
      due_at = null,
      waiting_since = null
    from unnest(v_due.run_ids, v_due.step_slugs, v_due.task_indexes, v_due.root_run_ids)
      as d (run_id, step_slug, task_index, root_run_id)
    where t.run_id = d.run_id
      and t.step_slug = d.step_slug
      and t.task_index = d.task_index
      and t.due_at <= _end_due_approvals.due_before
      and t.status = 'waiting'
      and d.root_run_id = any (v_root_run_ids)
    returning t.*
  )

  select array_agg(
    row(
      e.flow_slug, e.run_id, e.step_slug, e.task_index, null, 'exhausted', 0, e.error_message,
      e.attempts_count, null
    )::pgflow.settled_task
  )
  into v_tasks
  from ended e;

  if v_tasks is not null then
    perform pgflow._settle_failures(v_tasks);
    perform pgflow._settle_parents(
      array(
        select distinct r.run_id
        from unnest(v_tasks) t
        join pgflow.runs r on r.run_id = t.run_id
        where r.parent_run_id is not null
      )
    );
  end if;

  if v_watched is not null then
    perform pgflow._send_events(v_watched);
  end if;
end;
$$;
