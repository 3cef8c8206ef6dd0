-- _settle_failures: carry failed and released tasks on to messages, failures, steps and runs.
--
-- The caller holds the locks of the root runs.
create or replace function pgflow._settle_failures(tasks pgflow.settled_task[])
  returns void
  language plpgsql
  set search_path = ''
as $$
begin
  if cardinality(_settle_failures.tasks) = 0 then
    return;
  end if;

  perform pgflow._archive_messages(array_agg(t.flow_slug), array_agg(t.message_id))
  from unnest(_settle_failures.tasks) t
  where t.outcome = 'exhausted'
    or t.seconds > 60;

  perform pgflow._hide_messages(q.flow_slug, q.message_ids, q.seconds)
  from (
    select
      t.flow_slug,
      array_agg(t.message_id) as message_ids,
      array_agg(t.seconds) as seconds
    from unnest(_settle_failures.tasks) t
    where t.outcome in ('retried', 'released')
      and t.seconds <= 60
    group by t.flow_slug
  ) q;

  insert into pgflow.task_failures (
    run_id, step_slug, task_index, attempt, error_message, worker_id
  )
  select t.run_id, t.step_slug, t.task_index, t.attempt, t.error_message, t.worker_id
  from unnest(_settle_failures.tasks) t
  where t.outcome in ('retried', 'exhausted')
  on conflict do nothing;

  if exists (select from unnest(_settle_failures.tasks) t where t.outcome = 'exhausted') then
    perform pgflow._exhaust_steps(_settle_failures.tasks);
  end if;
end;
$$;

-- _exhaust_steps: do with steps whose task failed for good what their when_exhausted says.
create or replace function pgflow._exhaust_steps(tasks pgflow.settled_task[])
  returns void
  language plpgsql
  set search_path = ''
as $$
declare
  v_failed_run_ids uuid[];
  v_failed_step_slugs text[];
  v_failed_errors text[];
  v_ended_run_ids uuid[];
  v_run_ids uuid[];
  v_step_slugs text[];
  v_arrived int[];
  v_cascade_run_ids uuid[];
  v_cascade_step_slugs text[];
  v_flow_slugs text[];
  v_message_ids bigint[];
  v_child_run_ids uuid[];
begin
  with exhausted as (
    select distinct on (t.run_id, t.step_slug)
      t.run_id, t.step_slug, t.error_message, st.when_exhausted
    from unnest(_exhaust_steps.tasks) t
    join pgflow.steps st
      on st.flow_slug = t.flow_slug
      and st.step_slug = t.step_slug
    where t.outcome = 'exhausted'
    order by t.run_id, t.step_slug, t.task_index
  ),

  skipped as (
    update pgflow.step_states s
    set
      status = 'skipped',
      skipped_at = now(),
      skip_reason = 'handler_failed',
      error_message = e.error_message
    from exhausted e
    where e.when_exhausted <> 'fail'
      and s.run_id = e.run_id
      and s.step_slug = e.step_slug
      and s.status = 'started'
    returning s.flow_slug, s.run_id, s.step_slug, e.when_exhausted
  ),

  cancelled as (
    update pgflow.step_tasks t
    set
      status = 'cancelled',
      cancelled_at = now(),
      open_attempt = null,
      due_at = null,
      waiting_since = null
    from skipped s
    where t.run_id = s.run_id
      and t.step_slug = s.step_slug
      and t.status in ('queued', 'started', 'waiting')
    returning t.flow_slug, t.message_id, t.child_run_id
  ),

  dependents as (
    select s.run_id, d.step_slug, count(*)::int as arrived
    from skipped s
    join pgflow.deps d
      on d.flow_slug = s.flow_slug
      and d.dep_slug = s.step_slug
    where s.when_exhausted = 'skip'
    group by s.run_id, d.step_slug
  )

  select
    (select array_agg(e.run_id order by e.run_id) from exhausted e where e.when_exhausted = 'fail'),
    (
      select array_agg(e.step_slug order by e.run_id)
      from exhausted e
      where e.when_exhausted = 'fail'
    ),
    (
      select array_agg(e.error_message order by e.run_id)
      from exhausted e
      where e.when_exhausted = 'fail'
    ),
    (select array_agg(s.run_id) from skipped s),
    (select array_agg(s.run_id) from skipped s where s.when_exhausted = 'skip-cascade'),
    (select array_agg(s.step_slug) from skipped s where s.when_exhausted = 'skip-cascade'),
    (select array_agg(c.flow_slug) from cancelled c),
    (select array_agg(c.message_id) from cancelled c),
    (select array_agg(c.child_run_id) from cancelled c where c.child_run_id is not null),
    (select array_agg(d.run_id) from dependents d),
    (select array_agg(d.step_slug) from dependents d),
    (select array_agg(d.arrived) from dependents d)
  into
    v_failed_run_ids,
    v_failed_step_slugs,
    v_failed_errors,
    v_ended_run_ids,
    v_cascade_run_ids,
    v_cascade_step_slugs,
    v_flow_slugs,
    v_message_ids,
    v_child_run_ids,
    v_run_ids,
    v_step_slugs,
    v_arrived;

  perform pgflow._archive_messages(v_flow_slugs, v_message_ids);

  if v_child_run_ids is not null then
    perform pgflow._end_runs(
      'cancelled',
      v_child_run_ids,
      array_fill(
        '[cancelled by parent] its step was skipped'::text,
        array[cardinality(v_child_run_ids)]
      )
    );
  end if;

  if v_cascade_run_ids is not null then
    v_ended_run_ids := v_ended_run_ids
      || pgflow._skip_dependents(v_cascade_run_ids, v_cascade_step_slugs);
  end if;

  perform pgflow._advance_steps(v_ended_run_ids, v_run_ids, v_step_slugs, v_arrived);

  if v_failed_run_ids is not null then
    perform pgflow._fail_steps(v_failed_run_ids, v_failed_step_slugs, v_failed_errors);
  end if;
end;
$$;
