-- _fail_steps: fail steps, and with each the run it belongs to.
--
-- The run's message names the step and the cause; the first entry of a run counts.
-- The caller holds the locks of the root runs.
create or replace function pgflow._fail_steps(
  run_ids uuid[],
  step_slugs text[],
  error_messages text[]
)
  returns void
  language plpgsql
  set search_path = ''
as $$
begin
  update pgflow.step_states s
  set
    status = 'failed',
    failed_at = now(),
    error_message = f.error_message
  from unnest(_fail_steps.run_ids, _fail_steps.step_slugs, _fail_steps.error_messages)
    as f (run_id, step_slug, error_message)
  where s.run_id = f.run_id
    and s.step_slug = f.step_slug
    and s.status in ('created', 'started');

  perform pgflow._end_runs(
    'failed',
    array_agg(f.run_id),
    array_agg(format('Step "%s" failed: %s', f.step_slug, f.error_message))
  )
  from (
    select distinct on (x.run_id) x.run_id, x.step_slug, x.error_message
    from unnest(_fail_steps.run_ids, _fail_steps.step_slugs, _fail_steps.error_messages)
      with ordinality as x (run_id, step_slug, error_message, position)
    order by x.run_id, x.position
  ) f;
end;
$$;

-- _end_runs: end open runs as failed or cancelled; their open steps, tasks and child runs are
-- cancelled, their messages archived, their counters stay as they are.
--
-- The caller holds the locks of the root runs.
create or replace function pgflow._end_runs(status text, run_ids uuid[], error_messages text[])
  returns void
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_ended uuid[];
  v_flow_slugs text[];
  v_message_ids bigint[];
begin
  with recursive family as (
    select e.run_id, _end_runs.status, e.error_message
    from unnest(_end_runs.run_ids, _end_runs.error_messages) as e (run_id, error_message)
    union all
    select
      c.run_id,
      'cancelled',
      format('[cancelled by parent] run %s ended', p.run_id)
    from family p
    join pgflow.runs c
      on c.parent_run_id = p.run_id
  ),

  ended as (
    update pgflow.runs r
    set
      status = f.status,
      error_message = f.error_message,
      failed_at = case when f.status = 'failed' then now() end,
      cancelled_at = case when f.status = 'cancelled' then now() end
    from family f
    where r.run_id = f.run_id
      and r.status = 'started'
    returning r.run_id
  )

  select array_agg(e.run_id) into v_ended from ended e;

  update pgflow.step_states s
  set
    status = 'cancelled',
    cancelled_at = now()
  where s.run_id = any (v_ended)
    and s.status in ('created', 'started');

  with cancelled as (
    update pgflow.step_tasks t
    set
      status = 'cancelled',
      cancelled_at = now(),
      open_attempt = null,
      due_at = null,
      waiting_since = null
    where t.run_id = any (v_ended)
      and t.status in ('queued', 'started', 'waiting')
    returning t.flow_slug, t.message_id
  )

  select array_agg(c.flow_slug), array_agg(c.message_id)
  into v_flow_slugs, v_message_ids
  from cancelled c;

  perform pgflow._archive_messages(v_flow_slugs, v_message_ids);

  perform pgflow._start_failure_runs(
    array(
      select r.run_id
      from pgflow.runs r
      join pgflow.flows f on f.flow_slug = r.flow_slug
      where r.run_id = any (v_ended)
        and r.status = 'failed'
        and f.on_failure_slug is not null
    )
  );
end;
$$;

-- _start_failure_runs: start the flows that are to run when these failed runs' flows fail.
--
-- A run of its own, so that the hook is as durable, retried and visible as any flow. Its input is
-- {"run_id", "flow_slug", "input", "step_slug", "error_message"}. A hook whose flow does not exist
-- is passed over: it must not keep the run from failing. It is the server's: the failed run's owner
-- does not see it and cannot cancel it.
create or replace function pgflow._start_failure_runs(run_ids uuid[])
  returns void
  language plpgsql
  set search_path = ''
as $$
begin
  if cardinality(_start_failure_runs.run_ids) = 0 then
    return;
  end if;

  perform pgflow._start_runs(h.on_failure_slug, h.runs)
  from (
    select
      f.on_failure_slug,
      array_agg(
        jsonb_populate_record(
          null::pgflow.runs,
          jsonb_build_object(
            'idempotency_key', format('failure of %s at %s', r.run_id, clock_timestamp()),
            'input', jsonb_build_object(
              'run_id', r.run_id,
              'flow_slug', r.flow_slug,
              'input', r.input,
              'step_slug', s.step_slug,
              'error_message', r.error_message
            )
          )
        )
      ) as runs
    from pgflow.runs r
    join pgflow.flows f
      on f.flow_slug = r.flow_slug
    join pgflow.flows hook
      on hook.flow_slug = f.on_failure_slug
    left join lateral (
      select x.step_slug
      from pgflow.step_states x
      where x.run_id = r.run_id
        and x.status = 'failed'
      order by x.step_slug
      limit 1
    ) s on true
    where r.run_id = any (_start_failure_runs.run_ids)
      and not exists (
        select
        from pgflow.steps root
        where root.flow_slug = hook.flow_slug
          and root.deps_count = 0
          and root.step_type = 'map'
      )
    group by f.on_failure_slug
  ) h;
end;
$$;
