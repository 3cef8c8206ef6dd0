-- api_start_flow: start a run for a caller who came through the API.
--
-- Security definer, because callers have no rights on pgflow's tables: 99_access.sql says who may.
create or replace function pgflow.api_start_flow(
  flow_slug text,
  input jsonb,
  run_id uuid,
  idempotency_key text,
  start_at timestamptz
)
  returns jsonb
  language plpgsql
  security definer
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_run pgflow.runs;
begin
  v_run.run_id := api_start_flow.run_id;
  v_run.input := coalesce(api_start_flow.input, 'null');
  v_run.idempotency_key := api_start_flow.idempotency_key;
  v_run.start_at := api_start_flow.start_at;
  v_run.broadcast := true;
  -- What auth.uid() reads, which plain Postgres does not have.
  v_run.owner := nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub';

  select r.* into v_run
  from pgflow._start_run(api_start_flow.flow_slug, v_run) r;

  return to_jsonb(v_run);
end;
$$;

comment on function pgflow.api_start_flow(text, jsonb, uuid, text, timestamptz) is
  'Starts a run for a caller of the API, who becomes its owner.';

-- public.start_flow: what supabase.rpc('start_flow', { flow_slug, input }) calls.
--
-- A thin invoker's function over the definer's function in pgflow, a schema the API does not
-- expose.
create or replace function public.start_flow(
  flow_slug text,
  input jsonb default 'null',
  run_id uuid default null,
  idempotency_key text default null,
  start_at timestamptz default null
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
    start_flow.start_at
  );
$$;

comment on function public.start_flow(text, jsonb, uuid, text, timestamptz) is
  'Starts a run of a flow and returns it; the same run_id or idempotency_key returns the same run.';
