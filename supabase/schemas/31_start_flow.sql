-- start_flow: start a run of a flow, its root steps and their tasks.
--
-- Idempotent: with a run_id or idempotency_key that exists it returns that run if flow, input and
-- owner are the same, and shows nothing of it otherwise. With a later start_at the roots' tasks
-- wait outside the queue until then.
create or replace function pgflow.start_flow(
  flow_slug text,
  input jsonb,
  run_id uuid default null,
  idempotency_key text default null,
  start_at timestamptz default null
)
  returns setof pgflow.runs
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_run pgflow.runs;
begin
  v_run.run_id := start_flow.run_id;
  v_run.input := coalesce(start_flow.input, 'null');
  v_run.idempotency_key := start_flow.idempotency_key;
  v_run.start_at := start_flow.start_at;
  return query select r.* from pgflow._start_run(start_flow.flow_slug, v_run) r;
end;
$$;

-- _start_run: start the run described, or return the equal one that has its id or key.
create or replace function pgflow._start_run(flow_slug text, new_run pgflow.runs)
  returns setof pgflow.runs
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_run_ids uuid[];
begin
  v_run_ids := pgflow._start_runs(_start_run.flow_slug, array[_start_run.new_run]);

  if cardinality(v_run_ids) > 0 then
    if coalesce((_start_run.new_run).start_at <= now(), true) then
      perform pgflow._wake_workers(array[_start_run.flow_slug]);
    end if;

    return query select r.* from pgflow.runs r where r.run_id = v_run_ids[1];
    return;
  end if;

  return query
  select r.*
  from pgflow.runs r
  where (
      r.run_id = (_start_run.new_run).run_id
      or (
        r.flow_slug = _start_run.flow_slug
        and r.idempotency_key = (_start_run.new_run).idempotency_key
      )
    )
    and r.flow_slug = _start_run.flow_slug
    and r.input = (_start_run.new_run).input
    and r.owner is not distinct from (_start_run.new_run).owner
    and (
      (_start_run.new_run).run_id is null
      or r.run_id = (_start_run.new_run).run_id
    )
    and (
      (_start_run.new_run).idempotency_key is null
      or r.idempotency_key = (_start_run.new_run).idempotency_key
    );

  if not found then
    raise exception using
      errcode = 'PF004',
      message = format(
        'Cannot start flow "%s": the run id or idempotency key belongs to another run',
        _start_run.flow_slug
      ),
      hint = 'Repeat a start with the same input, or use a new id or key for a new run.';
  end if;
end;
$$;

comment on function pgflow.start_flow(text, jsonb, uuid, text, timestamptz) is
  'Starts a run and returns it; the same run_id or idempotency_key again returns the same run.';
