-- add_step: add a step behind the steps it depends on.
--
-- Dependencies must exist already, which keeps the graph acyclic. Again with the same definition:
-- returns the row, options are not changed. Locks the flow, so that step_index has no gaps.
create or replace function pgflow.add_step(
  flow_slug text,
  step_slug text,
  deps_slugs text[] default '{}',
  max_attempts int default null,
  base_delay int default null,
  timeout int default null,
  start_delay int default null,
  step_type text default 'single',
  required_input_pattern jsonb default null,
  forbidden_input_pattern jsonb default null,
  when_unmet text default 'skip-cascade',
  when_exhausted text default 'fail',
  performed_by text default 'handler',
  subflow_slug text default null,
  assignee text default null
)
  returns pgflow.steps
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_deps text[] := array(select distinct d from unnest(add_step.deps_slugs) d order by d);
  v_step pgflow.steps;
begin
  perform from pgflow.flows f where f.flow_slug = add_step.flow_slug for no key update;

  select s.* into v_step
  from pgflow.steps s
  where s.flow_slug = add_step.flow_slug
    and s.step_slug = add_step.step_slug;

  if found then
    if v_step.step_type <> add_step.step_type
      or v_step.performed_by <> add_step.performed_by
      or v_step.subflow_slug is distinct from add_step.subflow_slug
      or v_deps <> array(
        select d.dep_slug
        from pgflow.deps d
        where d.flow_slug = add_step.flow_slug
          and d.step_slug = add_step.step_slug
        order by d.dep_slug
      )
    then
      raise exception using
        errcode = 'PF007',
        message = format(
          'Cannot add step "%s" to flow "%s": it exists with another type or other dependencies',
          add_step.step_slug,
          add_step.flow_slug
        ),
        hint = 'A flow''s shape never changes: use a new flow slug for the new shape.';
    end if;
    return v_step;
  end if;

  insert into pgflow.steps (
    flow_slug, step_slug, step_type, performed_by, step_index, deps_count,
    opt_max_attempts, opt_base_delay, opt_timeout, opt_start_delay,
    required_input_pattern, forbidden_input_pattern, when_unmet, when_exhausted, subflow_slug,
    assignee
  )
  values (
    add_step.flow_slug, add_step.step_slug, add_step.step_type, add_step.performed_by,
    (select count(*) from pgflow.steps s where s.flow_slug = add_step.flow_slug),
    cardinality(v_deps),
    add_step.max_attempts, add_step.base_delay, add_step.timeout, add_step.start_delay,
    add_step.required_input_pattern, add_step.forbidden_input_pattern,
    add_step.when_unmet, add_step.when_exhausted, add_step.subflow_slug,
    add_step.assignee
  )
  returning * into v_step;

  insert into pgflow.deps (flow_slug, dep_slug, step_slug)
  select add_step.flow_slug, d.dep_slug, add_step.step_slug
  from unnest(v_deps) as d (dep_slug);

  perform pgflow._refuse_subflow_cycle(add_step.flow_slug);
  return v_step;
end;
$$;

-- _refuse_subflow_cycle: raise if a flow would start itself, directly or through its subflows.
create or replace function pgflow._refuse_subflow_cycle(flow_slug text)
  returns void
  language plpgsql
  set search_path = ''
as $$
begin
  if exists (
    with recursive subflows as (
      select s.subflow_slug
      from pgflow.steps s
      where s.flow_slug = _refuse_subflow_cycle.flow_slug
        and s.subflow_slug is not null
      union
      select s.subflow_slug
      from subflows x
      join pgflow.steps s on s.flow_slug = x.subflow_slug
      where s.subflow_slug is not null
    )

    select from subflows x where x.subflow_slug = _refuse_subflow_cycle.flow_slug
  ) then
    raise exception using
      errcode = 'PF010',
      message = format(
        'Cannot define flow "%s": it would be its own subflow',
        _refuse_subflow_cycle.flow_slug
      ),
      hint = 'A flow may not contain itself, directly or through its subflows.';
  end if;
end;
$$;

comment on function pgflow.add_step(
  text, text, text[], int, int, int, int, text, jsonb, jsonb, text, text, text, text, text
) is 'Adds a step to a flow, behind the steps named in deps_slugs; null options mean the flow''s.';
