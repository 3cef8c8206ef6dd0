-- _wake_workers: call the edge functions of flows that have work and no live worker; returns which.
--
-- The request leaves with the caller's commit. Of several functions that serve a flow the one that
-- answered its last call comes first, then the one called least recently. A call on its way stands
-- for all: while it is younger than 5 seconds and unanswered no other is made, and a function that
-- another session is just calling is skipped, so that many starts at once neither wait for each
-- other nor call twice. Does nothing without pg_net, Vault or the secrets, and fails nothing:
-- ensure_workers repairs what is missed here.
create or replace function pgflow._wake_workers(flow_slugs text[])
  returns setof pgflow.functions
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_url text;
  v_key text;
  v_names text[];
  v_request_ids bigint[];
begin
  if not exists (
    select
    from unnest(_wake_workers.flow_slugs) as f (flow_slug)
    where not exists (
      select
      from pgflow.live_workers w
      where f.flow_slug = any (w.queue_names)
        and w.state = 'running'
    )
  ) then
    return;
  end if;

  begin
    -- Even to ask for it is an error where the schema may not be used.
    if to_regprocedure('net.http_post(text,jsonb,jsonb,jsonb,integer)') is null
      or to_regclass('vault.decrypted_secrets') is null
    then
      return;
    end if;

    execute
      $query$
        select
          max(rtrim(s.decrypted_secret, '/')) filter (where s.name = 'project_url'),
          max(s.decrypted_secret) filter (where s.name = 'secret_key')
        from vault.decrypted_secrets s
        where s.name in ('project_url', 'secret_key')
      $query$
      into v_url, v_key;

    if v_url is null or v_key is null then
      return;
    end if;

    v_names := pgflow._choose_functions(_wake_workers.flow_slugs);

    if cardinality(v_names) = 0 then
      return;
    end if;

    execute
      $query$
        select array_agg(
          net.http_post(
            url => $1 || '/functions/v1/' || f.function_name,
            headers => $2,
            timeout_milliseconds => 10000
          )
          order by f.function_name
        )
        from unnest($3) as f (function_name)
      $query$
      into v_request_ids
      using v_url, pgflow._call_headers(v_key), v_names;

    return query
    update pgflow.functions f
    set request_id = c.request_id
    from unnest(v_names, v_request_ids) as c (function_name, request_id)
    where f.function_name = c.function_name
    returning f.*;
  exception
    when others then
      raise warning 'pgflow: Cannot wake workers of "%": %',
        array_to_string(_wake_workers.flow_slugs, ', '), sqlerrm;
  end;
end;
$$;

-- _choose_functions: the functions to call for these flows, in order, marked as called.
create or replace function pgflow._choose_functions(flow_slugs text[])
  returns text[]
  language sql
  set search_path = ''
as $$
  with candidates as (
    select
      f.flow_slug,
      x.function_name,
      x.registered_at,
      x.woken_at,
      x.woken_at > clock_timestamp() - interval '5 seconds'
        and coalesce(x.registered_at < x.woken_at, true) as is_called
    from (select distinct u.flow_slug from unnest(_choose_functions.flow_slugs) as u (flow_slug)) f
    join pgflow.functions x
      on f.flow_slug = any (x.queue_names)
    where not exists (
      select
      from pgflow.live_workers w
      where f.flow_slug = any (w.queue_names)
        and w.state = 'running'
    )
  ),

  chosen as (
    select distinct on (c.flow_slug) c.function_name
    from candidates c
    where not exists (
      select
      from candidates o
      where o.flow_slug = c.flow_slug
        and o.is_called
    )
    order by
      c.flow_slug,
      coalesce(c.registered_at >= coalesce(c.woken_at, '-infinity'), false) desc,
      c.woken_at nulls first,
      c.function_name
  ),

  free as materialized (
    select x.function_name
    from pgflow.functions x
    where x.function_name in (select c.function_name from chosen c)
      -- Once more, for a row that changed since this statement began.
      and not coalesce(
        x.woken_at > clock_timestamp() - interval '5 seconds'
          and coalesce(x.registered_at < x.woken_at, true),
        false
      )
    for update skip locked
  ),

  called as (
    update pgflow.functions x
    set woken_at = clock_timestamp()
    from free f
    where x.function_name = f.function_name
    returning x.function_name
  )

  select coalesce(array_agg(c.function_name order by c.function_name), '{}') from called c;
$$;

-- _call_headers: the headers of a call to a function; a legacy key is a JWT and goes as token too.
create or replace function pgflow._call_headers(secret_key text)
  returns jsonb
  language sql
  immutable
  set search_path = ''
as $$
  select jsonb_build_object(
    'Content-Type', 'application/json',
    'apikey', _call_headers.secret_key
  ) || case
    when _call_headers.secret_key like 'ey%' then
      jsonb_build_object('Authorization', 'Bearer ' || _call_headers.secret_key)
    else '{}'
  end;
$$;

-- _wake_workers_of_run: wake the workers of a run's flow and of the flows of the runs above it.
create or replace function pgflow._wake_workers_of_run(run_id uuid)
  returns void
  language plpgsql
  set search_path = ''
as $$
declare
  v_flow_slugs text[];
begin
  with recursive ancestors as (
    select r.run_id, r.parent_run_id, r.flow_slug
    from pgflow.runs r
    where r.run_id = _wake_workers_of_run.run_id
    union all
    select p.run_id, p.parent_run_id, p.flow_slug
    from ancestors a
    join pgflow.runs p on p.run_id = a.parent_run_id
  )

  select array_agg(distinct a.flow_slug) into v_flow_slugs from ancestors a;

  perform pgflow._wake_workers(v_flow_slugs);
end;
$$;
