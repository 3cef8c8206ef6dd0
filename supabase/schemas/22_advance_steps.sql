-- _advance_steps: start, skip or end the steps whose dependencies have ended, and count ended steps.
--
-- Takes the run of each step that has just ended (one entry per step), and the steps that gained
-- ended dependencies with how many. Works in waves: a step that ends without a task (skipped, or a
-- map over nothing) is an ended dependency of the next wave. So the number of statements depends on
-- the length of such chains, not on the number of runs, steps or elements.
-- The caller holds the locks of the root runs.
create or replace function pgflow._advance_steps(
  ended_run_ids uuid[],
  run_ids uuid[],
  step_slugs text[],
  arrived int[]
)
  returns void
  language plpgsql
  set search_path = ''
as $$
declare
  v_ended_run_ids uuid[] := coalesce(_advance_steps.ended_run_ids, '{}');
  v_run_ids uuid[] := _advance_steps.run_ids;
  v_step_slugs text[] := _advance_steps.step_slugs;
  v_arrived int[] := _advance_steps.arrived;
  v_started_run_ids uuid[];
  v_started_step_slugs text[];
  v_cascade_run_ids uuid[];
  v_cascade_step_slugs text[];
  v_failed_run_ids uuid[] := '{}';
  v_failed_step_slugs text[] := '{}';
begin
  while cardinality(v_run_ids) > 0 loop
    with candidates as materialized (
      select
        s.run_id,
        s.step_slug,
        st.when_unmet,
        s.remaining_deps - c.arrived as remaining_deps,
        case
          when s.remaining_deps > c.arrived then null
          when st.required_input_pattern is null and st.forbidden_input_pattern is null then true
          else (
            select
              (st.required_input_pattern is null or i.input @> st.required_input_pattern)
              and (st.forbidden_input_pattern is null or not i.input @> st.forbidden_input_pattern)
            from (
              select
                case
                  when st.deps_count = 0 then r.input
                  else (
                    select si.input
                    from pgflow.step_inputs si
                    where si.run_id = s.run_id
                      and si.step_slug = s.step_slug
                  )
                end as input
            ) i
          )
        end as condition_met,
        case
          when st.step_type = 'single' then 1
          when s.remaining_deps > c.arrived then null
          else (
            select case jsonb_typeof(m.elements) when 'array' then jsonb_array_length(m.elements) end
            from pgflow.map_elements m
            where m.run_id = s.run_id
              and m.step_slug = s.step_slug
          )
        end as tasks
      from unnest(v_run_ids, v_step_slugs, v_arrived) as c (run_id, step_slug, arrived)
      join pgflow.step_states s
        on s.run_id = c.run_id
        and s.step_slug = c.step_slug
      join pgflow.steps st
        on st.flow_slug = s.flow_slug
        and st.step_slug = s.step_slug
      join pgflow.runs r
        on r.run_id = s.run_id
      where s.status = 'created'
        and r.status = 'started'
    ),

    decided as (
      select
        c.*,
        case
          when c.remaining_deps > 0 then 'wait'
          when not c.condition_met then c.when_unmet
          when c.tasks is null then 'fail'
          when c.tasks = 0 then 'complete'
          else 'start'
        end as decision
      from candidates c
    ),

    moved as (
      update pgflow.step_states s
      set
        status = case d.decision
          when 'start' then 'started'
          when 'complete' then 'completed'
          when 'skip' then 'skipped'
          when 'skip-cascade' then 'skipped'
          else 'created'
        end,
        remaining_deps = d.remaining_deps,
        initial_tasks = coalesce(d.tasks, s.initial_tasks),
        remaining_tasks = coalesce(d.tasks, s.remaining_tasks),
        started_at = case when d.decision in ('start', 'complete') then now() end,
        completed_at = case when d.decision = 'complete' then now() end,
        skipped_at = case when d.decision in ('skip', 'skip-cascade') then now() end,
        skip_reason = case when d.decision in ('skip', 'skip-cascade') then 'condition_unmet' end,
        output = case when d.decision = 'complete' then '[]'::jsonb end
      from decided d
      where s.run_id = d.run_id
        and s.step_slug = d.step_slug
      returning s.flow_slug, s.run_id, s.step_slug, d.decision
    ),

    dependents as (
      select m.run_id, d.step_slug, count(*)::int as arrived
      from moved m
      join pgflow.deps d
        on d.flow_slug = m.flow_slug
        and d.dep_slug = m.step_slug
      where m.decision in ('complete', 'skip')
      group by m.run_id, d.step_slug
    )

    select
      array_agg(m.run_id) filter (where m.decision = 'start'),
      array_agg(m.step_slug) filter (where m.decision = 'start'),
      array_agg(m.run_id) filter (where m.decision = 'skip-cascade'),
      array_agg(m.step_slug) filter (where m.decision = 'skip-cascade'),
      v_failed_run_ids
        || coalesce(array_agg(m.run_id) filter (where m.decision = 'fail'), '{}'),
      v_failed_step_slugs
        || coalesce(array_agg(m.step_slug) filter (where m.decision = 'fail'), '{}'),
      v_ended_run_ids || coalesce(
        array_agg(m.run_id) filter (where m.decision in ('complete', 'skip', 'skip-cascade')),
        '{}'
      ),
      (select array_agg(d.run_id) from dependents d),
      (select array_agg(d.step_slug) from dependents d),
      (select array_agg(d.arrived) from dependents d)
    into
      v_started_run_ids,
      v_started_step_slugs,
      v_cascade_run_ids,
      v_cascade_step_slugs,
      v_failed_run_ids,
      v_failed_step_slugs,
      v_ended_run_ids,
      v_run_ids,
      v_step_slugs,
      v_arrived
    from moved m;

    if cardinality(v_started_run_ids) > 0 then
      perform pgflow._queue_tasks(v_started_run_ids, v_started_step_slugs);
    end if;

    if cardinality(v_cascade_run_ids) > 0 then
      v_ended_run_ids := v_ended_run_ids
        || pgflow._skip_dependents(v_cascade_run_ids, v_cascade_step_slugs);
    end if;
  end loop;

  if cardinality(v_ended_run_ids) > 0 then
    perform pgflow._count_ended_steps(array_agg(e.run_id), array_agg(e.steps))
    from (
      select x.run_id, count(*)::int as steps
      from unnest(v_ended_run_ids) as x (run_id)
      group by x.run_id
    ) e;
  end if;

  if cardinality(v_failed_run_ids) > 0 then
    perform pgflow._fail_steps(
      array_agg(f.run_id),
      array_agg(f.step_slug),
      array_agg(
        coalesce(
          (
            select format(
              '[type] map step "%s" needs an array, but its dependency "%s" returned %s',
              f.step_slug,
              m.dep_slug,
              jsonb_typeof(m.elements)
            )
            from pgflow.map_elements m
            where m.run_id = f.run_id
              and m.step_slug = f.step_slug
              and jsonb_typeof(m.elements) <> 'array'
          ),
          'its condition is not met'
        )
      )
    )
    from unnest(v_failed_run_ids, v_failed_step_slugs) as f (run_id, step_slug);
  end if;
end;
$$;

-- _skip_dependents: skip whatever depends on the given skipped steps, however deep.
--
-- Returns the run of each step skipped.
create or replace function pgflow._skip_dependents(run_ids uuid[], step_slugs text[])
  returns uuid[]
  language sql
  set search_path = ''
as $$
  with recursive dependents as (
    select s.run_id, d.flow_slug, d.step_slug
    from unnest(_skip_dependents.run_ids, _skip_dependents.step_slugs) as x (run_id, step_slug)
    join pgflow.step_states s
      on s.run_id = x.run_id
      and s.step_slug = x.step_slug
    join pgflow.deps d
      on d.flow_slug = s.flow_slug
      and d.dep_slug = s.step_slug
    union
    select x.run_id, d.flow_slug, d.step_slug
    from dependents x
    join pgflow.deps d
      on d.flow_slug = x.flow_slug
      and d.dep_slug = x.step_slug
  ),

  skipped as (
    update pgflow.step_states s
    set
      status = 'skipped',
      skipped_at = now(),
      skip_reason = 'dependency_skipped'
    from dependents d
    where s.run_id = d.run_id
      and s.step_slug = d.step_slug
      and s.status = 'created'
    returning s.run_id
  )

  select coalesce(array_agg(s.run_id), '{}') from skipped s;
$$;

-- _count_ended_steps: lower runs' remaining_steps by so many, and complete those that reach zero.
--
-- The run's output is the outputs of the steps nothing depends on; skipped ones are absent.
create or replace function pgflow._count_ended_steps(run_ids uuid[], steps int[])
  returns void
  language plpgsql
  set search_path = ''
as $$
begin
  update pgflow.runs r
  set
    remaining_steps = r.remaining_steps - e.steps,
    status = case when r.remaining_steps = e.steps then 'completed' else r.status end,
    completed_at = case when r.remaining_steps = e.steps then now() end,
    output = case
      when r.remaining_steps = e.steps then (
        select coalesce(jsonb_object_agg(s.step_slug, coalesce(s.output, t.output)), '{}')
        from pgflow.step_states s
        left join pgflow.step_tasks t
          on t.run_id = s.run_id
          and t.step_slug = s.step_slug
          and t.task_index = 0
        where s.run_id = r.run_id
          and s.status = 'completed'
          and not exists (
            select
            from pgflow.deps d
            where d.flow_slug = s.flow_slug
              and d.dep_slug = s.step_slug
          )
      )
    end
  from unnest(_count_ended_steps.run_ids, _count_ended_steps.steps) as e (run_id, steps)
  where r.run_id = e.run_id
    and r.status = 'started';
end;
$$;
