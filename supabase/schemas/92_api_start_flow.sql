-- api_start_flow: start a run for a caller who came through the API.
--
-- The caller becomes its owner; the server may name another one. Security definer, because callers
-- have no rights on pgflow's tables: the flow says which roles may start it, 99_access.sql which
-- may call this. Callers without an id are one owner, the nil uuid, apart from the server, which is
-- none; they are shown nothing of how a run went, because the next one could not be told from them.
create or replace function pgflow.api_start_flow(
  flow_slug text,
  input jsonb,
  run_id uuid,
  idempotency_key text,
  start_at timestamptz,
  owner uuid
)
  returns jsonb
  language plpgsql
  security definer
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_caller pgflow.caller := pgflow._caller();
  v_flow pgflow.flows := pgflow._require_startable(api_start_flow.flow_slug, v_caller);
  v_run pgflow.runs;
begin
  if not v_caller.sees_all
    and api_start_flow.owner is not null
    and api_start_flow.owner is distinct from v_caller.user_id
  then
    raise exception using
      errcode = '42501',
      message = format(
        'Cannot start flow "%s": only the server may start runs for others',
        api_start_flow.flow_slug
      ),
      hint = 'Leave out owner: a run belongs to whoever starts it.';
  end if;

  perform pgflow._check_api_value(
    api_start_flow.input,
    format('start flow "%s"', api_start_flow.flow_slug)
  );

  -- More does not fit into an index, which would say so in words of its own.
  if octet_length(api_start_flow.idempotency_key) > 1024 then
    raise exception using
      errcode = 'PF015',
      message = format(
        'Cannot start flow "%s": its idempotency key has %s bytes, more than 1024',
        api_start_flow.flow_slug,
        octet_length(api_start_flow.idempotency_key)
      ),
      hint = 'Use a shorter key, for instance a hash of this one.';
  end if;

  v_run.run_id := api_start_flow.run_id;
  v_run.input := coalesce(api_start_flow.input, 'null');
  v_run.idempotency_key := api_start_flow.idempotency_key;
  v_run.start_at := api_start_flow.start_at;
  v_run.owner := coalesce(
    case when v_caller.sees_all then api_start_flow.owner end,
    v_caller.user_id,
    case when not v_caller.sees_all then '00000000-0000-0000-0000-000000000000'::uuid end
  );
  v_run.broadcast := v_caller.sees_all or v_caller.user_id is not null;

  if not v_caller.sees_all
    and num_nonnulls(v_flow.open_runs_per_owner, v_flow.starts_per_minute_per_owner) > 0
  then
    perform pgflow._lock_owner_counts(v_flow.flow_slug, v_run.owner);

    -- A repeated start is the run that exists: nothing new to count.
    if not exists (
      select
      from pgflow.runs r
      where r.run_id = v_run.run_id
        or (r.flow_slug = v_flow.flow_slug and r.idempotency_key = v_run.idempotency_key)
    ) then
      v_run.run_id := coalesce(v_run.run_id, pgflow._new_run_id());
      perform pgflow._count_start(v_flow, v_run.owner, v_run.run_id);
    end if;
  end if;

  select r.* into v_run
  from pgflow._start_run(api_start_flow.flow_slug, v_run) r;

  if not v_caller.sees_all and v_caller.user_id is null then
    v_run.output := null;
    v_run.error_message := null;
  end if;

  return pgflow._run_json(v_run);
end;
$$;

comment on function pgflow.api_start_flow(text, jsonb, uuid, text, timestamptz, uuid) is
  'Starts a run for a caller of the API, who becomes its owner.';

-- public.start_flow: what supabase.rpc('start_flow', { flow_slug, input }) calls.
--
-- Like all of the API, a thin invoker's function over the definer's function in pgflow, a schema
-- the API does not expose.
create or replace function public.start_flow(
  flow_slug text,
  input jsonb default 'null',
  run_id uuid default null,
  idempotency_key text default null,
  start_at timestamptz default null,
  owner uuid default null
)
  returns jsonb
  language sql
  set search_path = ''
as $$
  select pgflow.api_start_flow(
    start_flow.flow_slug,
    start_flow.input,
    start_flow.run_id,
    start_flow.idempotency_key,
    start_flow.start_at,
    start_flow.owner
  );
$$;

comment on function public.start_flow(text, jsonb, uuid, text, timestamptz, uuid) is
  'Starts a run of a flow and returns it; the same run_id or idempotency_key returns the same run.';
