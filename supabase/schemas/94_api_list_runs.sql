-- api_list_runs: the runs a caller may read, newest first, a page at a time.
--
-- Child runs belong to their root run and are left out. The next page comes after the last row of
-- this one, given as before: of its keys, started_at and run_id are read. Each flow's newest are
-- found by index, of the owner's runs or for the server of all; only a status that few runs have
-- takes a look at more rows than it returns.
create type pgflow.listed_run as (
  run_id uuid,
  flow_slug text,
  status text,
  remaining_steps int,
  error_message text,
  owner uuid,
  start_at timestamptz,
  started_at timestamptz,
  completed_at timestamptz,
  failed_at timestamptz,
  cancelled_at timestamptz
);

comment on type pgflow.listed_run is 'What a list shows of a run: neither its input nor its output.';

create or replace function pgflow.api_list_runs(
  flow_slug text,
  status text,
  page_size int,
  before jsonb
)
  returns setof pgflow.listed_run
  language plpgsql
  stable
  security definer
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_caller pgflow.caller := pgflow._caller();
  v_page_size int := least(greatest(coalesce(api_list_runs.page_size, 50), 1), 1000);
  v_before timestamptz := coalesce(
    (api_list_runs.before ->> 'started_at')::timestamptz,
    'infinity'
  );
  v_before_run_id uuid := coalesce(
    (api_list_runs.before ->> 'run_id')::uuid,
    'ffffffff-ffff-ffff-ffff-ffffffffffff'
  );
begin
  if v_caller.sees_all then
    return query
    select
      r.run_id, r.flow_slug, r.status, r.remaining_steps, r.error_message,
      nullif(r.owner, '00000000-0000-0000-0000-000000000000'), r.start_at, r.started_at,
      r.completed_at, r.failed_at, r.cancelled_at
    from pgflow.flows f
    cross join lateral (
      select x.*
      from pgflow.runs x
      where x.flow_slug = f.flow_slug
        and x.started_at <= v_before
        and (x.started_at, x.run_id) < (v_before, v_before_run_id)
        and x.root_run_id is null
        and (api_list_runs.status is null or x.status = api_list_runs.status)
      order by x.started_at desc, x.run_id desc
      limit v_page_size
    ) r
    where api_list_runs.flow_slug is null
      or f.flow_slug = api_list_runs.flow_slug
    order by r.started_at desc, r.run_id desc
    limit v_page_size;
  else
    return query
    select
      r.run_id, r.flow_slug, r.status, r.remaining_steps, r.error_message, r.owner, r.start_at,
      r.started_at, r.completed_at, r.failed_at, r.cancelled_at
    from pgflow.flows f
    cross join lateral (
      select x.*
      from pgflow.runs x
      where x.owner = v_caller.user_id
        and x.flow_slug = f.flow_slug
        and x.started_at <= v_before
        and (x.started_at, x.run_id) < (v_before, v_before_run_id)
        and x.root_run_id is null
        and (api_list_runs.status is null or x.status = api_list_runs.status)
      order by x.started_at desc, x.run_id desc
      limit v_page_size
    ) r
    where api_list_runs.flow_slug is null
      or f.flow_slug = api_list_runs.flow_slug
    order by r.started_at desc, r.run_id desc
    limit v_page_size;
  end if;
end;
$$;

comment on function pgflow.api_list_runs(text, text, int, jsonb) is
  'The runs a caller may read, newest first, a page at a time.';

-- public.list_runs: what supabase.rpc('list_runs') calls.
create or replace function public.list_runs(
  flow_slug text default null,
  status text default null,
  page_size int default 50,
  before jsonb default null
)
  returns setof pgflow.listed_run
  language sql
  stable
  set search_path = ''
as $$
  select r.*
  from pgflow.api_list_runs(
    list_runs.flow_slug, list_runs.status, list_runs.page_size, list_runs.before
  ) r;
$$;

comment on function public.list_runs(text, text, int, jsonb) is
  'The caller''s runs, newest first; before: the last row of the previous page.';
