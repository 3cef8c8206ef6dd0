-- _advance_steps: start, skip or end the steps whose dependencies have ended, and count ended
-- steps.
--
-- Takes the run of each step that has just ended (one entry per step), and the steps that gained
-- ended dependencies with how many. A step that ends without a task (skipped, or a map over
-- nothing) is an ended dependency of the next wave, so the number of statements depends on the
-- length of such chains, not on the number of runs, steps or elements. In runs that start later no
-- step is plain. The caller holds the locks of the root runs.
create or replace function pgflow._advance_steps(
  ended_run_ids uuid[],
  run_ids uuid[],
  step_slugs text[],
  arrived int[],
  later boolean default false
)
  returns void
  language plpgsql
  set search_path = ''
as $$
declare
  v_ended_run_ids uuid[] := coalesce(_advance_steps.ended_run_ids, '{}');
  v_failed_run_ids uuid[] := '{}';
  v_failed_step_slugs text[] := '{}';
  v_failed_errors text[] := '{}';
  v_run_ids uuid[] := _advance_steps.run_ids;
  v_step_slugs text[] := _advance_steps.step_slugs;
  v_arrived int[] := _advance_steps.arrived;
  v_flow_slugs text[];
  v_started_run_ids uuid[];
  v_started_step_slugs text[];
  v_ready_run_ids uuid[];
  v_ready_step_slugs text[];
  v_decided record;
begin
  while cardinality(v_run_ids) > 0 loop
    -- A single step without conditions starts as soon as it waits for nothing: no more to look at.
    with steps_reached as (
      update pgflow.step_states s
      set
        remaining_deps = s.remaining_deps - c.arrived,
        (status, started_at) = (
          select
            case when x.starts then 'started' else 'created' end,
            case when x.starts then now() end
          from pgflow.steps st
          cross join lateral (
            select
              s.remaining_deps = c.arrived and st.is_plain and not _advance_steps.later as starts
          ) x
          where st.flow_slug = s.flow_slug
            and st.step_slug = s.step_slug
        )
      from unnest(v_run_ids, v_step_slugs, v_arrived) as c (run_id, step_slug, arrived)
      where s.run_id = c.run_id
        and s.step_slug = c.step_slug
        and s.status = 'created'
      returning s.flow_slug, s.run_id, s.step_slug, s.status, s.remaining_deps
    )

    select
      array_agg(s.flow_slug) filter (where s.status = 'started'),
      array_agg(s.run_id) filter (where s.status = 'started'),
      array_agg(s.step_slug) filter (where s.status = 'started'),
      array_agg(s.run_id) filter (where s.status = 'created' and s.remaining_deps = 0),
      array_agg(s.step_slug) filter (where s.status = 'created' and s.remaining_deps = 0)
    into
      v_flow_slugs,
      v_started_run_ids,
      v_started_step_slugs,
      v_ready_run_ids,
      v_ready_step_slugs
    from steps_reached s;

    if cardinality(v_started_run_ids) > 0 then
      perform pgflow._queue_tasks(
        v_flow_slugs,
        v_started_run_ids,
        v_started_step_slugs,
        array_fill(0, array[cardinality(v_started_run_ids)]),
        null
      );
    end if;

    v_run_ids := null;

    if cardinality(v_ready_run_ids) > 0 then
      v_decided := pgflow._decide_steps(v_ready_run_ids, v_ready_step_slugs);
      v_ended_run_ids := v_ended_run_ids || v_decided.ended_run_ids;
      v_failed_run_ids := v_failed_run_ids || v_decided.failed_run_ids;
      v_failed_step_slugs := v_failed_step_slugs || v_decided.failed_step_slugs;
      v_failed_errors := v_failed_errors || v_decided.failed_errors;
      v_run_ids := v_decided.run_ids;
      v_step_slugs := v_decided.step_slugs;
      v_arrived := v_decided.arrived;
    end if;
  end loop;

  if cardinality(v_ended_run_ids) > 0 then
    perform pgflow._count_ended_steps(v_ended_run_ids);
  end if;

  if cardinality(v_failed_run_ids) > 0 then
    perform pgflow._fail_undecided_steps(v_failed_run_ids, v_failed_step_slugs, v_failed_errors);
  end if;
end;
$$;

-- _count_ended_steps: lower runs' remaining_steps, one for each entry, and complete those at zero.
--
-- The run's output is the outputs of the steps nothing depends on; skipped ones are absent.
create or replace function pgflow._count_ended_steps(ended_run_ids uuid[])
  returns void
  language plpgsql
  set search_path = ''
as $$
begin
  update pgflow.runs r
  set
    remaining_steps = r.remaining_steps - e.steps,
    status = case when r.remaining_steps = e.steps then 'completed' else r.status end,
    completed_at = case when r.remaining_steps = e.steps then clock_timestamp() end,
    output = case when r.remaining_steps = e.steps then (
      select o.output from pgflow.run_outputs o where o.run_id = r.run_id
    ) end
  from (
    select x.run_id, count(*)::int as steps
    from unnest(_count_ended_steps.ended_run_ids) as x (run_id)
    group by x.run_id
  ) e
  where r.run_id = e.run_id
    and r.status = 'started';
end;
$$;
