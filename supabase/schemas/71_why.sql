-- _message_times: when messages of a flow's queue become, or became, visible.
create or replace function pgflow._message_times(flow_slug text, message_ids bigint[])
  returns table (message_id bigint, visible_at timestamptz)
  language plpgsql
  stable
  set search_path = ''
  set enable_seqscan = off
as $$
begin
  return query execute format(
    'select m.msg_id, m.vt from pgmq.%I m where m.msg_id = any ($1)',
    'q_' || lower(_message_times.flow_slug)
  )
  using _message_times.message_ids;
end;
$$;

-- why: why a run does not advance, in one row, and what to do about it.
--
-- For people. Of several reasons the one that needs somebody to act comes first: no live worker, an
-- approval, a child run, then what passes by itself. An ended run says how it ended. All reasons
-- look at one moment, the statement's, so that none falls in between.
create or replace function pgflow.why(run_id uuid)
  returns table (
    reason text,
    step_slug text,
    task_index int,
    since timestamptz,
    until timestamptz,
    advice text
  )
  language sql
  stable
  set search_path = ''
as $$
  with this_run as (
    select
      r.*,
      exists (
        select
        from pgflow.live_workers w
        where r.flow_slug = any (w.queue_names)
          and w.state <> 'deprecated'
      ) as has_worker,
      -- The function of the flow's name lives, or one that has served the flow, but without it.
      (
        select w.function_name
        from pgflow.live_workers w
        where r.flow_slug <> all (w.queue_names)
          and w.state <> 'deprecated'
          and (
            w.function_name = r.flow_slug
            or exists (
              select
              from pgflow.functions f
              where f.function_name = w.function_name
                and r.flow_slug = any (f.queue_names)
            )
          )
        limit 1
      ) as unaware_function
    from pgflow.runs r
    where r.run_id = why.run_id
  ),

  messages as (
    select m.*
    from this_run r
    cross join lateral pgflow._message_times(
      r.flow_slug,
      array(
        select t.message_id
        from pgflow.step_tasks t
        where t.run_id = r.run_id
          and t.status in ('queued', 'started')
      )
    ) m
  ),

  open_tasks as (
    select
      t.*,
      st.performed_by,
      m.visible_at,
      r.has_worker,
      r.unaware_function,
      (
        select exists (select from pgflow.live_workers l where l.worker_id = w.worker_id)
        from pgflow.workers w
        where w.worker_id = t.last_worker_id
      ) as worker_lives
    from this_run r
    join pgflow.step_tasks t on t.run_id = r.run_id
    join pgflow.steps st
      on st.flow_slug = t.flow_slug
      and st.step_slug = t.step_slug
    left join messages m
      on m.message_id = t.message_id
    where t.status in ('queued', 'started', 'waiting')
  ),

  reasons as (
    select
      0 as rank,
      format('the run is %s', r.status) || coalesce(': ' || r.error_message, '') as reason,
      null::text as step_slug,
      null::int as task_index,
      coalesce(r.completed_at, r.failed_at, r.cancelled_at) as since,
      null::timestamptz as until,
      case
        when r.status in ('failed', 'cancelled') then
          format('select pgflow.retry_run(%L) lets it go on from where it stopped', r.run_id)
        else 'nothing to do'
      end as advice
    from this_run r
    where r.status <> 'started'
    union all
    select
      1,
      'waiting for the run''s start time',
      t.step_slug, t.task_index, r.started_at, r.start_at,
      'nothing to do: it starts by itself'
    from this_run r
    join open_tasks t on t.due_at is not null
    where r.start_at > statement_timestamp()
    union all
    select
      2,
      case
        when t.unaware_function is null then format('no live worker for flow "%s"', t.flow_slug)
        else format(
          'flow "%s" is unknown to the live worker of function "%s"',
          t.flow_slug,
          t.unaware_function
        )
      end,
      t.step_slug, t.task_index, t.queued_at, null,
      case
        when t.unaware_function is null then
          format('start the edge function that serves flow "%s", or look at its log', t.flow_slug)
        else format(
          'serve flow "%s" in function "%s" and deploy it, or start the one that serves it',
          t.flow_slug,
          t.unaware_function
        )
      end
    from open_tasks t
    where t.status = 'queued'
      and t.open_attempt is null
      and not t.has_worker
      and coalesce(t.due_at, t.visible_at) <= statement_timestamp()
    union all
    select
      3,
      format('waiting for an approval of step "%s"', t.step_slug),
      t.step_slug, t.task_index, t.queued_at, t.due_at,
      format(
        'select pgflow.complete_step(%L, %L, ''{}'', %s), or fail_step',
        t.run_id, t.step_slug, t.task_index
      )
    from open_tasks t
    where t.status = 'waiting'
      and t.performed_by = 'approval'
    union all
    select
      4,
      format('waiting for child run %s of step "%s"', t.child_run_id, t.step_slug),
      t.step_slug, t.task_index, t.started_at, null,
      format('select * from pgflow.why(%L)', t.child_run_id)
    from open_tasks t
    where t.status = 'waiting'
      and t.performed_by = 'subflow'
    union all
    select
      5,
      format('step "%s" is started on worker %s, which is gone', t.step_slug, t.last_worker_id),
      t.step_slug, t.task_index, t.started_at, t.visible_at,
      'nothing to do: it comes back by itself as its next attempt'
    from open_tasks t
    where t.status = 'started'
      and not coalesce(t.worker_lives, true)
    union all
    select
      6,
      case
        when t.attempts_count > t.attempts_forgiven then
          format('waiting for a retry of step "%s" after: %s', t.step_slug, t.error_message)
        else format('waiting for the start delay of step "%s"', t.step_slug)
      end,
      t.step_slug, t.task_index, t.queued_at, coalesce(t.due_at, t.visible_at),
      'nothing to do: it goes on by itself'
    from open_tasks t
    where t.status = 'queued'
      and t.open_attempt is null
      and coalesce(t.due_at, t.visible_at) > statement_timestamp()
    union all
    select
      7,
      format(
        'step "%s" is running on %s',
        t.step_slug,
        coalesce('worker ' || t.last_worker_id, 'a plain consumer')
      ),
      t.step_slug, t.task_index, t.started_at, t.visible_at,
      'nothing to do: it is retried if it takes longer than its timeout'
    from open_tasks t
    where t.open_attempt is not null
      and coalesce(t.worker_lives, true)
    union all
    select
      8,
      format('step "%s" is in the queue', t.step_slug),
      t.step_slug, t.task_index, t.queued_at, null,
      'nothing to do: a live worker takes it when it has a free slot'
    from open_tasks t
    where t.status = 'queued'
      and t.open_attempt is null
      and t.has_worker
      and coalesce(t.due_at, t.visible_at) <= statement_timestamp()
    union all
    select
      9,
      'nothing of the run is open, which should never be',
      null, null, r.started_at, null,
      'look at pgflow.broken_invariants; call pgflow.start_ready_steps, then maybe_complete_run'
    from this_run r
    where r.status = 'started'
      and not exists (select from open_tasks)
  )

  select r.reason, r.step_slug, r.task_index, r.since, r.until, r.advice
  from reasons r
  order by r.rank, r.until, r.step_slug, r.task_index
  limit 1;
$$;

comment on function pgflow.why(uuid) is
  'Why a run does not advance, in one row, and what to do about it; no row for an unknown run.';
