-- _decide_steps: start, skip, complete or fail steps that wait for nothing and are not plain.
--
-- A condition is met when the step's input contains the required pattern and not the forbidden
-- one. A map takes one task per element of its array and completes at once over an empty one.
-- Returns the run of each step that ended here, the steps that gained ended dependencies from
-- them, and the steps that make their runs fail.
create or replace function pgflow._decide_steps(
  inout run_ids uuid[],
  inout step_slugs text[],
  out arrived int[],
  out ended_run_ids uuid[],
  out failed_run_ids uuid[],
  out failed_step_slugs text[],
  out failed_errors text[]
)
  language plpgsql
  set search_path = ''
as $$
declare
  v_started_run_ids uuid[];
  v_started_step_slugs text[];
  v_cascade_run_ids uuid[];
  v_cascade_step_slugs text[];
begin
  with ready_steps as materialized (
    select
      s.run_id,
      s.step_slug,
      st.when_unmet,
      st.required_input_pattern is null and st.forbidden_input_pattern is null or (
        select
          (st.required_input_pattern is null or i.input @> st.required_input_pattern)
          and (st.forbidden_input_pattern is null or not i.input @> st.forbidden_input_pattern)
        from (
          select case when st.deps_count = 0 then r.input else si.input end as input
          from pgflow.runs r
          join pgflow.step_inputs si on si.run_id = r.run_id
          where r.run_id = s.run_id
            and si.step_slug = s.step_slug
          -- Keeps the planner from building the input twice, once for each pattern.
          offset 0
        ) i
      ) as condition_met,
      case
        when st.step_type = 'single' then 1
        else (
          select case jsonb_typeof(m.elements) when 'array' then jsonb_array_length(m.elements) end
          from pgflow.map_elements m
          where m.run_id = s.run_id
            and m.step_slug = s.step_slug
        )
      end as tasks
    from unnest(_decide_steps.run_ids, _decide_steps.step_slugs) as x (run_id, step_slug)
    join pgflow.step_states s
      on s.run_id = x.run_id
      and s.step_slug = x.step_slug
    join pgflow.steps st
      on st.flow_slug = s.flow_slug
      and st.step_slug = s.step_slug
    where s.status = 'created'
  ),

  decided as (
    select
      r.run_id,
      r.step_slug,
      r.tasks,
      r.condition_met,
      case
        when not r.condition_met then r.when_unmet
        when r.tasks is null then 'fail'
        when r.tasks = 0 then 'complete'
        else 'start'
      end as decision
    from ready_steps r
  ),

  moved as (
    update pgflow.step_states s
    set
      status = case d.decision
        when 'start' then 'started'
        when 'complete' then 'completed'
        when 'fail' then 'created'
        else 'skipped'
      end,
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
    returning s.flow_slug, s.run_id, s.step_slug, d.decision, d.condition_met
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
    (select array_agg(d.run_id) from dependents d),
    (select array_agg(d.step_slug) from dependents d),
    (select array_agg(d.arrived) from dependents d),
    array_agg(m.run_id) filter (where m.decision in ('complete', 'skip', 'skip-cascade')),
    array_agg(m.run_id) filter (where m.decision = 'fail'),
    array_agg(m.step_slug) filter (where m.decision = 'fail'),
    array_agg(case when not m.condition_met then 'its condition is not met' end)
      filter (where m.decision = 'fail'),
    array_agg(m.run_id) filter (where m.decision = 'start'),
    array_agg(m.step_slug) filter (where m.decision = 'start'),
    array_agg(m.run_id) filter (where m.decision = 'skip-cascade'),
    array_agg(m.step_slug) filter (where m.decision = 'skip-cascade')
  into
    run_ids,
    step_slugs,
    arrived,
    ended_run_ids,
    failed_run_ids,
    failed_step_slugs,
    failed_errors,
    v_started_run_ids,
    v_started_step_slugs,
    v_cascade_run_ids,
    v_cascade_step_slugs
  from moved m;

  if cardinality(v_cascade_run_ids) > 0 then
    ended_run_ids := ended_run_ids
      || pgflow._skip_dependents(v_cascade_run_ids, v_cascade_step_slugs);
  end if;

  if cardinality(v_started_run_ids) > 0 then
    perform pgflow._create_tasks(v_started_run_ids, v_started_step_slugs);
  end if;
end;
$$;

-- _create_tasks: create the tasks of started steps that are maps, delayed or performed outside.
--
-- Tasks that wait (a start delay, a run that starts later, an approval) get no message yet.
create or replace function pgflow._create_tasks(run_ids uuid[], step_slugs text[])
  returns void
  language plpgsql
  set search_path = ''
as $$
declare
  v_queued record;
begin
  with new_tasks as materialized (
    select
      s.flow_slug,
      s.run_id,
      s.step_slug,
      e.task_index,
      e.element,
      case when st.performed_by = 'approval' then 'waiting' else 'queued' end as status,
      case
        when st.performed_by = 'approval' then l.starts_at + make_interval(secs => st.opt_timeout)
        when l.starts_at > now() then l.starts_at
      end as due_at,
      case when st.performed_by = 'approval' then l.starts_at end as waiting_since,
      case
        when st.assignee = 'owner' then 'user:' || r.owner
        when st.assignee like 'role:%' then st.assignee
        when st.assignee is not null then 'user:' || lower(
          case
            when st.step_type = 'map' then e.element
            else (
              select si.input
              from pgflow.step_inputs si
              where si.run_id = s.run_id
                and si.step_slug = s.step_slug
            )
          end #>> string_to_array(substr(st.assignee, 6), '.')
        )
      end as assignee
    from unnest(_create_tasks.run_ids, _create_tasks.step_slugs) as x (run_id, step_slug)
    join pgflow.step_states s
      on s.run_id = x.run_id
      and s.step_slug = x.step_slug
    join pgflow.steps st
      on st.flow_slug = s.flow_slug
      and st.step_slug = s.step_slug
    join pgflow.runs r
      on r.run_id = s.run_id
    cross join lateral (
      select
        greatest(r.start_at, now()) + make_interval(secs => coalesce(st.opt_start_delay, 0))
          as starts_at
    ) l
    cross join lateral (
      select 0 as task_index, null::jsonb as element
      where st.step_type = 'single'
      union all
      select (a.position - 1)::int, a.element
      from jsonb_array_elements(
        case
          when st.step_type = 'map' then (
            select m.elements
            from pgflow.map_elements m
            where m.run_id = s.run_id
              and m.step_slug = s.step_slug
          )
        end
      ) with ordinality as a (element, position)
    ) e
  ),

  waiting as (
    insert into pgflow.step_tasks (
      flow_slug, run_id, step_slug, task_index, input, status, due_at, waiting_since, assignee
    )
    select
      n.flow_slug, n.run_id, n.step_slug, n.task_index, n.element, n.status, n.due_at,
      n.waiting_since, n.assignee
    from new_tasks n
    where n.status = 'waiting'
      or n.due_at is not null
  )

  select
    array_agg(n.flow_slug) as flow_slugs,
    array_agg(n.run_id) as run_ids,
    array_agg(n.step_slug) as step_slugs,
    array_agg(n.task_index) as task_indexes,
    array_agg(n.element) as elements
  into v_queued
  from new_tasks n
  where n.status = 'queued'
    and n.due_at is null;

  if v_queued.run_ids is not null then
    perform pgflow._queue_tasks(
      v_queued.flow_slugs,
      v_queued.run_ids,
      v_queued.step_slugs,
      v_queued.task_indexes,
      v_queued.elements
    );
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

-- _fail_undecided_steps: fail steps whose condition is unmet, or whose map has no array.
--
-- Where no error is given, the map's dependency is the cause.
create or replace function pgflow._fail_undecided_steps(
  run_ids uuid[],
  step_slugs text[],
  error_messages text[]
)
  returns void
  language plpgsql
  set search_path = ''
as $$
begin
  perform pgflow._fail_steps(
    array_agg(f.run_id),
    array_agg(f.step_slug),
    array_agg(
      coalesce(
        f.error_message,
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
        )
      )
    )
  )
  from unnest(
    _fail_undecided_steps.run_ids,
    _fail_undecided_steps.step_slugs,
    _fail_undecided_steps.error_messages
  ) as f (run_id, step_slug, error_message);
end;
$$;
