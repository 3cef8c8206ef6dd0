-- _count_start: count a start among those of its owner, or raise if the flow's limits forbid it.
--
-- The row of the owner's counts is locked until the end of the transaction, so that of two sessions
-- the second counts the first one's start. Costs nothing to flows without limits, and to others a
-- few rows found by key, however many runs the owner has had. A refusal writes nothing.
create or replace function pgflow._count_start(flow pgflow.flows, owner uuid, run_id uuid)
  returns void
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_counts pgflow.owner_counts;
  v_now timestamptz := clock_timestamp();
begin
  v_counts := pgflow._lock_owner_counts(
    (_count_start.flow).flow_slug,
    _count_start.owner
  );

  v_counts.open_run_ids := array(
    select r.run_id
    from unnest(v_counts.open_run_ids) as x (run_id)
    join pgflow.runs r on r.run_id = x.run_id
    where r.status = 'started'
  );

  if cardinality(v_counts.open_run_ids) >= (_count_start.flow).open_runs_per_owner then
    raise exception using
      errcode = 'PF012',
      message = format(
        'Cannot start flow "%s": %s runs of this owner are open, as many as one may have',
        (_count_start.flow).flow_slug,
        cardinality(v_counts.open_run_ids)
      ),
      hint = 'Wait until one ends, or cancel one.';
  end if;

  if v_counts.minute_began_at + interval '1 minute' <= v_now then
    v_counts.minute_began_at := v_now;
    v_counts.starts_in_minute := 0;
  end if;

  if v_counts.starts_in_minute >= (_count_start.flow).starts_per_minute_per_owner then
    raise exception using
      errcode = 'PF013',
      message = format(
        'Cannot start flow "%s": this owner started %s runs within a minute, as many as one may',
        (_count_start.flow).flow_slug,
        v_counts.starts_in_minute
      ),
      hint = format(
        'Try again in %s seconds.',
        ceil(extract(epoch from v_counts.minute_began_at + interval '1 minute' - v_now))
      );
  end if;

  update pgflow.owner_counts c
  set
    open_run_ids = case
      when (_count_start.flow).open_runs_per_owner is null then '{}'
      else v_counts.open_run_ids || _count_start.run_id
    end,
    minute_began_at = v_counts.minute_began_at,
    starts_in_minute = v_counts.starts_in_minute + 1
  where c.flow_slug = (_count_start.flow).flow_slug
    and c.owner = _count_start.owner;
end;
$$;

-- _lock_owner_counts: lock the row that counts an owner's starts of a flow, made when missing.
create or replace function pgflow._lock_owner_counts(flow_slug text, owner uuid)
  returns pgflow.owner_counts
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_counts pgflow.owner_counts;
begin
  insert into pgflow.owner_counts (flow_slug, owner)
  values (_lock_owner_counts.flow_slug, _lock_owner_counts.owner)
  on conflict do nothing;

  select c.* into v_counts
  from pgflow.owner_counts c
  where c.flow_slug = _lock_owner_counts.flow_slug
    and c.owner = _lock_owner_counts.owner
  for no key update;

  return v_counts;
end;
$$;

-- _require_startable: the flow if the caller may start it; else the same error as if there were
-- none.
create or replace function pgflow._require_startable(flow_slug text, caller pgflow.caller)
  returns pgflow.flows
  language plpgsql
  stable
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_flow pgflow.flows;
begin
  select f.* into v_flow
  from pgflow.flows f
  where f.flow_slug = _require_startable.flow_slug
    and (
      (_require_startable.caller).sees_all
      or (_require_startable.caller).role_name = any (f.startable_by)
    );

  if not found and not (_require_startable.caller).sees_all then
    raise exception using
      errcode = 'PF011',
      message = format(
        'Cannot start flow "%s": it does not exist, or role "%s" may not start it',
        _require_startable.flow_slug,
        (_require_startable.caller).role_name
      ),
      hint = 'A flow''s startableBy names the roles that may, besides the server.';
  end if;

  return v_flow;
end;
$$;
