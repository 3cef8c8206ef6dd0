-- retry_run: let a failed or cancelled run go on from where it stopped.
--
-- Completed and skipped steps stay as they are, a map redoes only the elements that did not
-- complete, and all others start again with fresh attempts: those spent are forgiven, their
-- numbers never come again. Returns the run, or nothing if it is open or completed. Locks the run
-- first.
create or replace function pgflow.retry_run(run_id uuid)
  returns setof pgflow.runs
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_run pgflow.runs;
  v_watched jsonb;
begin
  select f.watched into v_watched from pgflow._lock_families(array[retry_run.run_id]) f;
  select r.* into v_run from pgflow.runs r where r.run_id = retry_run.run_id;

  if v_run.parent_run_id is not null then
    raise exception using
      errcode = '55000',
      message = format(
        'Cannot retry run "%s": it is a child of run %s',
        v_run.run_id,
        v_run.parent_run_id
      ),
      hint = format('Retry its root run %s: it starts a new child run.', v_run.root_run_id);
  end if;

  if v_run.status is null or v_run.status not in ('failed', 'cancelled') then
    return;
  end if;

  -- A task that waited for a child run calls its handler again, which gives the input of a new one.
  update pgflow.step_tasks t
  set
    status = case when st.performed_by = 'approval' then 'waiting' else 'queued' end,
    attempts_forgiven = t.attempts_count,
    message_id = null,
    child_run_id = null,
    failed_at = null,
    cancelled_at = null,
    started_at = null,
    -- Due now, or when the run and the step were to start: whoever polls then lets it enter the
    -- queue.
    due_at = greatest(clock_timestamp(), v_run.start_at) + make_interval(
      secs => case when st.performed_by = 'approval' then st.opt_timeout else 0 end
        + case when t.attempts_count = 0 then coalesce(st.opt_start_delay, 0) else 0 end
    ),
    waiting_since = case
      when st.performed_by = 'approval' then greatest(clock_timestamp(), v_run.start_at)
    end
  from pgflow.steps st
  where t.run_id = v_run.run_id
    and t.status in ('failed', 'cancelled')
    and st.flow_slug = t.flow_slug
    and st.step_slug = t.step_slug
    and exists (
      select
      from pgflow.step_states s
      where s.run_id = t.run_id
        and s.step_slug = t.step_slug
        and s.status in ('failed', 'cancelled')
    );

  update pgflow.step_states s
  set
    status = case when o.tasks > 0 then 'started' else 'created' end,
    started_at = case when o.tasks > 0 then s.started_at end,
    remaining_tasks = case when o.tasks > 0 then o.tasks else s.initial_tasks end,
    remaining_deps = o.deps,
    failed_at = null,
    cancelled_at = null,
    error_message = null
  from (
    select
      x.step_slug,
      (
        select count(*)::int
        from pgflow.step_tasks t
        where t.run_id = x.run_id
          and t.step_slug = x.step_slug
          and t.status in ('queued', 'waiting')
      ) as tasks,
      (
        select count(*)::int
        from pgflow.deps d
        join pgflow.step_states ds
          on ds.run_id = x.run_id
          and ds.step_slug = d.dep_slug
        where d.flow_slug = x.flow_slug
          and d.step_slug = x.step_slug
          and ds.status not in ('completed', 'skipped')
      ) as deps
    from pgflow.step_states x
    where x.run_id = v_run.run_id
  ) o
  where s.run_id = v_run.run_id
    and s.step_slug = o.step_slug
    and s.status in ('failed', 'cancelled');

  update pgflow.runs r
  set
    status = 'started',
    failed_at = null,
    cancelled_at = null,
    error_message = null,
    remaining_steps = (
      select count(*)
      from pgflow.step_states s
      where s.run_id = r.run_id
        and s.status in ('created', 'started')
    )
  where r.run_id = v_run.run_id;

  if v_watched is not null then
    perform pgflow._send_events(v_watched);
  end if;

  perform pgflow.start_ready_steps(v_run.run_id);
  perform pgflow._wake_workers_of_run(v_run.run_id);

  return query select r.* from pgflow.runs r where r.run_id = v_run.run_id;
end;
$$;

comment on function pgflow.retry_run(uuid) is
  'Lets a failed or cancelled run go on from where it stopped, and returns it.';
