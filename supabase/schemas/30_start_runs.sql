-- _start_runs: create runs of one flow with a state per step, and start their root steps.
--
-- Returns the ids of the runs created: an id or idempotency key that exists is left out. A new run
-- is seen by nobody before the commit, so nothing is locked.
create or replace function pgflow._start_runs(flow_slug text, new_runs pgflow.runs[])
  returns uuid[]
  language plpgsql
  set search_path = ''
  set plan_cache_mode = force_generic_plan
  set enable_seqscan = off
  set enable_hashjoin = off
  set enable_mergejoin = off
  set jit = off
as $$
#variable_conflict use_column
declare
  v_broadcast boolean;
  v_steps int;
  v_root_map text;
  v_later boolean;
  v_watched_run_ids uuid[];
  v_watched jsonb;
  v_run_ids uuid[];
  v_roots record;
begin
  select f.broadcast into v_broadcast
  from pgflow.flows f
  where f.flow_slug = _start_runs.flow_slug;

  if v_broadcast is null then
    raise exception using
      errcode = 'PF001',
      message = format('Cannot start flow "%s": it does not exist', _start_runs.flow_slug),
      hint = 'Start its worker once, or apply the migration that "deno task compile" writes.';
  end if;

  v_later := exists (select from unnest(_start_runs.new_runs) n where n.start_at > now());

  select
    count(*),
    min(s.step_slug) filter (where s.step_type = 'map' and s.deps_count = 0)
  into v_steps, v_root_map
  from pgflow.steps s
  where s.flow_slug = _start_runs.flow_slug;

  if v_root_map is not null
    and exists (
      select
      from unnest(_start_runs.new_runs) n
      where jsonb_typeof(coalesce(n.input, 'null')) <> 'array'
    )
  then
    raise exception using
      errcode = 'PF008',
      message = format(
        'Cannot start flow "%s": its step "%s" maps over the input, which is not an array',
        _start_runs.flow_slug,
        v_root_map
      ),
      hint = 'Pass a JSON array as the input.';
  end if;

  with created_runs as (
    insert into pgflow.runs (
      run_id, flow_slug, status, remaining_steps, completed_at, output, input,
      idempotency_key, owner, broadcast, start_at, started_at,
      root_run_id, parent_run_id, parent_step_slug, parent_task_index
    )
    select
      coalesce(n.run_id, pgflow._new_run_id()),
      _start_runs.flow_slug,
      case when v_steps = 0 then 'completed' else 'started' end,
      v_steps,
      case when v_steps = 0 then now() end,
      case when v_steps = 0 then '{}'::jsonb end,
      coalesce(n.input, 'null'),
      n.idempotency_key,
      n.owner,
      coalesce(n.broadcast, false) or (v_broadcast and n.root_run_id is null),
      n.start_at,
      clock_timestamp(),
      n.root_run_id, n.parent_run_id, n.parent_step_slug, n.parent_task_index
    from unnest(_start_runs.new_runs) n
    on conflict do nothing
    returning run_id, broadcast
  )

  select array_agg(c.run_id), array_agg(c.run_id) filter (where c.broadcast)
  into v_run_ids, v_watched_run_ids
  from created_runs c;

  insert into pgflow.step_states (
    flow_slug, run_id, step_slug, remaining_deps, initial_tasks, remaining_tasks, status, started_at
  )
  select
    s.flow_slug,
    r.run_id,
    s.step_slug,
    s.deps_count,
    case when s.step_type = 'single' then 1 end,
    case when s.step_type = 'single' then 1 end,
    case when s.deps_count = 0 and s.is_plain and not v_later then 'started' else 'created' end,
    case when s.deps_count = 0 and s.is_plain and not v_later then now() end
  from unnest(v_run_ids) as r (run_id)
  cross join pgflow.steps s
  where s.flow_slug = _start_runs.flow_slug;

  select
    array_agg(r.run_id) filter (where s.is_plain and not v_later) as plain_run_ids,
    array_agg(s.step_slug) filter (where s.is_plain and not v_later) as plain_step_slugs,
    array_agg(r.run_id) filter (where not s.is_plain or v_later) as other_run_ids,
    array_agg(s.step_slug) filter (where not s.is_plain or v_later) as other_step_slugs
  into v_roots
  from unnest(v_run_ids) as r (run_id)
  cross join pgflow.steps s
  where s.flow_slug = _start_runs.flow_slug
    and s.deps_count = 0;

  if v_roots.plain_run_ids is not null then
    perform pgflow._queue_tasks(
      array_fill(_start_runs.flow_slug, array[cardinality(v_roots.plain_run_ids)]),
      v_roots.plain_run_ids,
      v_roots.plain_step_slugs,
      array_fill(0, array[cardinality(v_roots.plain_run_ids)]),
      null
    );
  end if;

  if v_watched_run_ids is not null then
    perform pgflow._send_events(
      (select jsonb_object_agg(w.run_id, '{}'::jsonb) from unnest(v_watched_run_ids) as w (run_id))
    );
  end if;

  if v_roots.other_run_ids is not null then
    if v_watched_run_ids is not null then
      v_watched := pgflow._watched_states(v_watched_run_ids);
    end if;

    perform pgflow._advance_steps(
      null,
      v_roots.other_run_ids,
      v_roots.other_step_slugs,
      array_fill(0, array[cardinality(v_roots.other_run_ids)]),
      v_later
    );

    if v_watched is not null then
      perform pgflow._send_events(v_watched);
    end if;
  end if;

  return coalesce(v_run_ids, '{}');
end;
$$;
