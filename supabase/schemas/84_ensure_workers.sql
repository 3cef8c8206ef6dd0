-- ensure_workers: let what is due go on, and call the functions that have work and no live worker.
--
-- The watchdog: pg_cron calls it (install_watchdog), and each worker now and then. Tasks of workers
-- that are gone come back, what waited outside the queues enters them when due, approvals whose
-- time is over end. Returns the functions that it called. Harmless at any time, also many at once,
-- and without pg_net and Vault, when it calls nobody.
create or replace function pgflow.ensure_workers()
  returns table (function_name text, request_id bigint)
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
begin
  perform pgflow.requeue_stalled_tasks();
  perform pgflow._end_waits();
  perform pgflow._presume_functions();

  return query
  select f.function_name, f.request_id
  from pgflow._wake_workers(pgflow._flows_with_work()) f
  order by f.function_name;
end;
$$;

comment on function pgflow.ensure_workers() is
  'Lets due and stalled tasks go on and calls the functions that have work and no live worker.';

-- _end_waits: let what waited outside the queues go on, in every flow where something is due.
create or replace function pgflow._end_waits()
  returns void
  language plpgsql
  set search_path = ''
  set enable_seqscan = off
as $$
declare
  v_now timestamptz := clock_timestamp();
  v_flow record;
begin
  for v_flow in
    select f.flow_slug
    from pgflow.flows f
    where exists (
      select
      from pgflow.step_tasks t
      where t.flow_slug = f.flow_slug
        and t.due_at <= v_now
    )
    order by f.flow_slug
  loop
    perform pgflow._queue_due_tasks(v_flow.flow_slug, v_now);

    begin
      perform pgflow._end_due_approvals(v_flow.flow_slug, v_now);
    exception
      when lock_not_available then
        null;
    end;
  end loop;
end;
$$;

-- _flows_with_work: the flows whose queues have a message that is visible now.
create or replace function pgflow._flows_with_work()
  returns text[]
  language plpgsql
  set search_path = ''
  set enable_seqscan = off
as $$
declare
  v_query text;
  v_flow_slugs text[];
begin
  select string_agg(
    format(
      'select %L::text as flow_slug where exists (select from pgmq.%I m where m.vt <= $1)',
      f.flow_slug,
      'q_' || lower(f.flow_slug)
    ),
    ' union all '
  )
  into v_query
  from pgflow.flows f;

  if v_query is not null then
    execute format('select array_agg(w.flow_slug) from (%s) w', v_query)
    into v_flow_slugs
    using clock_timestamp();
  end if;

  return coalesce(v_flow_slugs, '{}');
end;
$$;
