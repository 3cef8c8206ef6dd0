-- ensure_flow_compiled: make sure that the database has a flow in exactly the given shape.
--
-- A shape is {"max_attempts", "base_delay", …, "steps": [{"step_slug", "deps_slugs", …}]} with the
-- names and defaults of create_flow and add_step; the steps stand in their order. Returns
-- {"status": "compiled" | "verified" | "mismatch", "differences": ["…"]}. Retries, timeouts,
-- delays and the flow for failures of a verified flow are updated in place; its shape never is.
-- Many workers may start at once: the first creates the flow under an advisory lock, the others
-- verify it and write nothing. For development, and only if replace says so, a flow of another
-- shape is deleted with all its runs and created anew: "compiled", with the differences.
create or replace function pgflow.ensure_flow_compiled(
  flow_slug text,
  shape jsonb,
  replace boolean default false
)
  returns jsonb
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_differences jsonb;
begin
  if jsonb_typeof(ensure_flow_compiled.shape -> 'steps') is distinct from 'array' then
    raise exception using
      errcode = '22023',
      message = format(
        'Cannot compile flow "%s": its shape has no array "steps"',
        ensure_flow_compiled.flow_slug
      ),
      hint = 'Pass {"steps": [{"step_slug": "…", "deps_slugs": []}, …]}.';
  end if;

  perform pg_advisory_xact_lock(
    hashtextextended('pgflow.compile', hashtext(ensure_flow_compiled.flow_slug))
  )
  where ensure_flow_compiled.replace
    or not exists (
      select from pgflow.flows f where f.flow_slug = ensure_flow_compiled.flow_slug
    );

  if not exists (select from pgflow.flows f where f.flow_slug = ensure_flow_compiled.flow_slug) then
    perform pgflow._compile_flow(ensure_flow_compiled.flow_slug, ensure_flow_compiled.shape);
    return jsonb_build_object('status', 'compiled', 'differences', '[]'::jsonb);
  end if;

  v_differences := pgflow._shape_differences(
    ensure_flow_compiled.flow_slug,
    ensure_flow_compiled.shape
  );

  if v_differences <> '[]' and ensure_flow_compiled.replace then
    perform pgflow.delete_flow_and_data(ensure_flow_compiled.flow_slug);
    perform pgflow._compile_flow(ensure_flow_compiled.flow_slug, ensure_flow_compiled.shape);
    return jsonb_build_object('status', 'compiled', 'differences', v_differences);
  end if;

  if v_differences <> '[]' then
    return jsonb_build_object('status', 'mismatch', 'differences', v_differences);
  end if;

  perform pgflow._update_options(ensure_flow_compiled.flow_slug, ensure_flow_compiled.shape);
  return jsonb_build_object('status', 'verified', 'differences', v_differences);
end;
$$;

comment on function pgflow.ensure_flow_compiled(text, jsonb, boolean) is
  'Creates a flow from its shape, or compares it with the stored one and updates its options.';

-- _shape_steps: the steps of a shape as rows of pgflow.steps, absent values filled in.
create or replace function pgflow._shape_steps(flow_slug text, shape jsonb)
  returns table (step pgflow.steps, deps_slugs text[])
  language sql
  immutable
  set search_path = ''
as $$
  select
    row(
      _shape_steps.flow_slug,
      x.step_slug,
      coalesce(x.step_type, 'single'),
      coalesce(x.performed_by, 'handler'),
      x.position - 1,
      cardinality(d.deps_slugs),
      x.max_attempts,
      x.base_delay,
      x.timeout,
      x.start_delay,
      nullif(x.required_input_pattern, 'null'),
      nullif(x.forbidden_input_pattern, 'null'),
      coalesce(x.when_unmet, 'skip-cascade'),
      coalesce(x.when_exhausted, 'fail'),
      x.subflow_slug,
      x.assignee,
      null,
      null
    )::pgflow.steps,
    d.deps_slugs
  from rows from (
    jsonb_to_recordset(_shape_steps.shape -> 'steps') as (
      step_slug text,
      deps_slugs text[],
      step_type text,
      performed_by text,
      max_attempts int,
      base_delay int,
      timeout int,
      start_delay int,
      required_input_pattern jsonb,
      forbidden_input_pattern jsonb,
      when_unmet text,
      when_exhausted text,
      subflow_slug text,
      assignee text
    )
  ) with ordinality as x (
    step_slug, deps_slugs, step_type, performed_by, max_attempts, base_delay, timeout, start_delay,
    required_input_pattern, forbidden_input_pattern, when_unmet, when_exhausted, subflow_slug,
    assignee, position
  )
  cross join lateral (
    select array(select distinct d from unnest(x.deps_slugs) d order by d) as deps_slugs
  ) d;
$$;

-- _compile_flow: create a flow with all its steps and dependencies.
create or replace function pgflow._compile_flow(flow_slug text, shape jsonb)
  returns void
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_late text;
begin
  select format('step "%s" depends on "%s", which does not come before it', (s.step).step_slug, d)
  into v_late
  from pgflow._shape_steps(_compile_flow.flow_slug, _compile_flow.shape) s
  cross join lateral unnest(s.deps_slugs) d
  where not exists (
    select
    from pgflow._shape_steps(_compile_flow.flow_slug, _compile_flow.shape) e
    where (e.step).step_slug = d
      and (e.step).step_index < (s.step).step_index
  )
  limit 1;

  if v_late is not null then
    raise exception using
      errcode = 'PF002',
      message = format('Cannot compile flow "%s": %s', _compile_flow.flow_slug, v_late),
      hint = 'List each step after the steps it depends on; a flow has no cycles.';
  end if;

  perform pgflow.create_flow(
    flow_slug => _compile_flow.flow_slug,
    max_attempts => coalesce((_compile_flow.shape ->> 'max_attempts')::int, 3),
    base_delay => coalesce((_compile_flow.shape ->> 'base_delay')::int, 5),
    timeout => coalesce((_compile_flow.shape ->> 'timeout')::int, 60),
    retry_jitter => coalesce((_compile_flow.shape ->> 'retry_jitter')::float8, 0),
    on_failure_slug => _compile_flow.shape ->> 'on_failure_slug',
    startable_by => pgflow._startable_by(_compile_flow.shape),
    open_runs_per_owner => (_compile_flow.shape ->> 'open_runs_per_owner')::int,
    starts_per_minute_per_owner => (_compile_flow.shape ->> 'starts_per_minute_per_owner')::int,
    broadcast => coalesce((_compile_flow.shape ->> 'broadcast')::boolean, false)
  );

  insert into pgflow.steps (
    flow_slug, step_slug, step_type, performed_by, step_index, deps_count,
    opt_max_attempts, opt_base_delay, opt_timeout, opt_start_delay,
    required_input_pattern, forbidden_input_pattern, when_unmet, when_exhausted, subflow_slug,
    assignee
  )
  select
    (s.step).flow_slug, (s.step).step_slug, (s.step).step_type, (s.step).performed_by,
    (s.step).step_index, (s.step).deps_count, (s.step).opt_max_attempts,
    (s.step).opt_base_delay, (s.step).opt_timeout, (s.step).opt_start_delay,
    (s.step).required_input_pattern, (s.step).forbidden_input_pattern, (s.step).when_unmet,
    (s.step).when_exhausted, (s.step).subflow_slug, (s.step).assignee
  from pgflow._shape_steps(_compile_flow.flow_slug, _compile_flow.shape) s;

  insert into pgflow.deps (flow_slug, dep_slug, step_slug)
  select (s.step).flow_slug, d, (s.step).step_slug
  from pgflow._shape_steps(_compile_flow.flow_slug, _compile_flow.shape) s
  cross join lateral unnest(s.deps_slugs) d;

  perform pgflow._refuse_subflow_cycle(_compile_flow.flow_slug);
end;
$$;

-- _shape_differences: what differs between a stored flow and a shape, as sentences in step order.
create or replace function pgflow._shape_differences(flow_slug text, shape jsonb)
  returns jsonb
  language sql
  stable
  set search_path = ''
as $$
  with stored as (
    select
      s.step_slug,
      s.step_index,
      jsonb_build_object(
        'position', s.step_index,
        'dependencies', array(
          select d.dep_slug
          from pgflow.deps d
          where d.flow_slug = s.flow_slug
            and d.step_slug = s.step_slug
          order by d.dep_slug
        ),
        'step_type', s.step_type,
        'performed_by', s.performed_by,
        'subflow_slug', s.subflow_slug,
        'required_input_pattern', s.required_input_pattern,
        'forbidden_input_pattern', s.forbidden_input_pattern,
        'when_unmet', s.when_unmet,
        'when_exhausted', s.when_exhausted
      ) as shape
    from pgflow.steps s
    where s.flow_slug = _shape_differences.flow_slug
  ),

  given as (
    select
      (s.step).step_slug,
      (s.step).step_index,
      jsonb_build_object(
        'position', (s.step).step_index,
        'dependencies', s.deps_slugs,
        'step_type', (s.step).step_type,
        'performed_by', (s.step).performed_by,
        'subflow_slug', (s.step).subflow_slug,
        'required_input_pattern', (s.step).required_input_pattern,
        'forbidden_input_pattern', (s.step).forbidden_input_pattern,
        'when_unmet', (s.step).when_unmet,
        'when_exhausted', (s.step).when_exhausted
      ) as shape
    from pgflow._shape_steps(_shape_differences.flow_slug, _shape_differences.shape) s
  ),

  differences as (
    select
      coalesce(st.step_index, g.step_index) as step_index,
      coalesce(st.step_slug, g.step_slug) as step_slug,
      k.key,
      case
        when st.step_slug is null then format('step "%s" is not in the database', g.step_slug)
        when g.step_slug is null then format('step "%s" is only in the database', st.step_slug)
        else format(
          'step "%s": %s is %s in the database and %s in the code',
          st.step_slug,
          k.key,
          st.shape -> k.key,
          g.shape -> k.key
        )
      end as sentence
    from stored st
    full join given g on g.step_slug = st.step_slug
    left join lateral jsonb_object_keys(st.shape) as k (key)
      on st.shape -> k.key is distinct from g.shape -> k.key
      and g.step_slug is not null
    where st.step_slug is null
      or g.step_slug is null
      or k.key is not null
  )

  select coalesce(jsonb_agg(d.sentence order by d.step_index, d.step_slug, d.key), '[]')
  from differences d;
$$;

-- _startable_by: the roles that a shape names, in order and once each.
create or replace function pgflow._startable_by(shape jsonb)
  returns text[]
  language sql
  immutable
  set search_path = ''
as $$
  select array(
    select distinct r.role_name
    from jsonb_array_elements_text(
      coalesce(nullif(_startable_by.shape -> 'startable_by', 'null'), '[]')
    ) as r (role_name)
    order by r.role_name
  );
$$;

-- _update_options: store the retries, timeouts, delays and rules of a shape where they differ.
create or replace function pgflow._update_options(flow_slug text, shape jsonb)
  returns void
  language sql
  set search_path = ''
as $$
  update pgflow.flows f
  set
    opt_max_attempts = o.max_attempts,
    opt_base_delay = o.base_delay,
    opt_timeout = o.timeout,
    opt_retry_jitter = o.retry_jitter,
    on_failure_slug = o.on_failure_slug,
    startable_by = o.startable_by,
    open_runs_per_owner = o.open_runs_per_owner,
    starts_per_minute_per_owner = o.starts_per_minute_per_owner,
    broadcast = o.broadcast
  from (
    select
      coalesce((_update_options.shape ->> 'max_attempts')::int, 3) as max_attempts,
      coalesce((_update_options.shape ->> 'base_delay')::int, 5) as base_delay,
      coalesce((_update_options.shape ->> 'timeout')::int, 60) as timeout,
      coalesce((_update_options.shape ->> 'retry_jitter')::float8, 0) as retry_jitter,
      _update_options.shape ->> 'on_failure_slug' as on_failure_slug,
      pgflow._startable_by(_update_options.shape) as startable_by,
      (_update_options.shape ->> 'open_runs_per_owner')::int as open_runs_per_owner,
      (_update_options.shape ->> 'starts_per_minute_per_owner')::int as starts_per_minute_per_owner,
      coalesce((_update_options.shape ->> 'broadcast')::boolean, false) as broadcast
  ) o
  where f.flow_slug = _update_options.flow_slug
    and (
      f.opt_max_attempts, f.opt_base_delay, f.opt_timeout, f.opt_retry_jitter, f.on_failure_slug,
      f.startable_by, f.open_runs_per_owner, f.starts_per_minute_per_owner, f.broadcast
    )
      is distinct from (
        o.max_attempts, o.base_delay, o.timeout, o.retry_jitter, o.on_failure_slug,
        o.startable_by, o.open_runs_per_owner, o.starts_per_minute_per_owner, o.broadcast
      );

  update pgflow.steps s
  set
    opt_max_attempts = (g.step).opt_max_attempts,
    opt_base_delay = (g.step).opt_base_delay,
    opt_timeout = (g.step).opt_timeout,
    opt_start_delay = (g.step).opt_start_delay,
    assignee = (g.step).assignee
  from pgflow._shape_steps(_update_options.flow_slug, _update_options.shape) g
  where s.flow_slug = _update_options.flow_slug
    and s.step_slug = (g.step).step_slug
    and (s.opt_max_attempts, s.opt_base_delay, s.opt_timeout, s.opt_start_delay, s.assignee)
      is distinct from (
        (g.step).opt_max_attempts,
        (g.step).opt_base_delay,
        (g.step).opt_timeout,
        (g.step).opt_start_delay,
        (g.step).assignee
      );
$$;
