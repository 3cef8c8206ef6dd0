-- register_worker: announce a worker, whatever others there are; the same worker again lives on.
create or replace function pgflow.register_worker(
  worker_id uuid,
  queue_name text,
  function_name text,
  lease_ms int default 30000
)
  returns void
  language sql
  set search_path = ''
as $$
  insert into pgflow.workers (worker_id, queue_name, function_name, lease_ms)
  values (
    register_worker.worker_id,
    register_worker.queue_name,
    register_worker.function_name,
    register_worker.lease_ms
  )
  on conflict (worker_id) do update set last_heartbeat_at = now(), stopped_at = null;
$$;

comment on function pgflow.register_worker(uuid, text, text, int) is 'Announces a worker of a function.';

-- acquire_worker: take a function's lease for a new worker; returns the worker that has it now.
--
-- Another id than one's own says that a healthy worker of the function runs already: the new one
-- is not registered and should end. Healthy is one whose heartbeat is fresh and that neither stops
-- nor waits for a successor. One of an older deployment is deprecated instead: it finishes what it
-- holds and takes nothing new. An unknown deployment counts as the same. Two at once are serialised
-- by an advisory lock, since whoever starts a run may hold the function's row.
create or replace function pgflow.acquire_worker(
  worker_id uuid,
  function_name text,
  queue_names text[],
  deployment text default null,
  lease_ms int default 30000
)
  returns uuid
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_holder uuid;
begin
  perform pg_advisory_xact_lock(
    hashtext('pgflow.functions'), hashtext(acquire_worker.function_name)
  );

  select w.worker_id into v_holder
  from pgflow.live_workers w
  where w.function_name = acquire_worker.function_name
    and w.worker_id <> acquire_worker.worker_id
    and w.state = 'running'
    and (
      w.deployment is null
      or acquire_worker.deployment is null
      or w.deployment = acquire_worker.deployment
      or pgflow._is_older_deployment(acquire_worker.deployment, w.deployment)
    )
  order by w.started_at desc
  limit 1;

  if v_holder is not null then
    return v_holder;
  end if;

  perform pgflow.deprecate_workers(acquire_worker.function_name, acquire_worker.worker_id);

  insert into pgflow.workers (worker_id, queue_name, function_name, deployment, lease_ms)
  values (
    acquire_worker.worker_id,
    array_to_string(acquire_worker.queue_names, ','),
    acquire_worker.function_name,
    acquire_worker.deployment,
    acquire_worker.lease_ms
  )
  on conflict (worker_id) do update set last_heartbeat_at = now(), stopped_at = null;

  perform pgflow._register_function(acquire_worker.function_name, acquire_worker.queue_names);
  return acquire_worker.worker_id;
end;
$$;

comment on function pgflow.acquire_worker(uuid, text, text[], text, int) is
  'Registers a worker unless a healthy one serves the function; returns the one that does.';

-- _is_older_deployment: whether one deployment came before another, where their names tell.
--
-- The platform's names end in a version: <project>_<function>_<version>.
create or replace function pgflow._is_older_deployment(deployment text, than text)
  returns boolean
  language sql
  immutable
  set search_path = ''
as $$
  select coalesce(
    regexp_replace(_is_older_deployment.deployment, '\d+$', '')
      = regexp_replace(_is_older_deployment.than, '\d+$', '')
    and substring(_is_older_deployment.deployment, '_(\d{1,18})$')::bigint
      < substring(_is_older_deployment.than, '_(\d{1,18})$')::bigint,
    false
  );
$$;

-- _register_function: note which flows a function serves, and that it started a worker.
--
-- Waits for nobody: a row that another session holds is noted with the next worker.
create or replace function pgflow._register_function(function_name text, queue_names text[])
  returns void
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
begin
  if not exists (
    select from pgflow.functions f where f.function_name = _register_function.function_name
  ) then
    insert into pgflow.functions (function_name, queue_names)
    values (_register_function.function_name, _register_function.queue_names)
    on conflict do nothing;
  end if;

  update pgflow.functions f
  set
    queue_names = _register_function.queue_names,
    registered_at = clock_timestamp()
  where f.function_name in (
    select x.function_name
    from pgflow.functions x
    where x.function_name = _register_function.function_name
    for update skip locked
  );
end;
$$;

-- _presume_functions: presume that a flow no function is known to serve has one of its own name.
create or replace function pgflow._presume_functions()
  returns void
  language sql
  set search_path = ''
as $$
  insert into pgflow.functions (function_name, queue_names)
  select f.flow_slug, array[f.flow_slug]
  from pgflow.flows f
  where not exists (
    select from pgflow.functions x where f.flow_slug = any (x.queue_names)
  )
  on conflict do nothing;
$$;

-- heartbeat_worker: keep a worker alive; true when it should stop.
--
-- A worker stops when a newer version took its place (deprecated), or when it is unknown or
-- stopped.
create or replace function pgflow.heartbeat_worker(worker_id uuid)
  returns boolean
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_deprecated boolean;
begin
  update pgflow.workers w
  set last_heartbeat_at = clock_timestamp()
  where w.worker_id = heartbeat_worker.worker_id
    and w.stopped_at is null
  returning w.deprecated_at is not null into v_deprecated;

  return coalesce(v_deprecated, true);
end;
$$;

comment on function pgflow.heartbeat_worker(uuid) is
  'Keeps a worker alive and returns whether it should stop.';

-- drain_worker: say that a worker calls a successor, which may start beside it, or does so no more.
create or replace function pgflow.drain_worker(worker_id uuid, is_draining boolean default true)
  returns void
  language sql
  set search_path = ''
as $$
  update pgflow.workers w
  set draining_at = case when drain_worker.is_draining then clock_timestamp() end
  where w.worker_id = drain_worker.worker_id
    and (w.draining_at is null) = drain_worker.is_draining;
$$;

comment on function pgflow.drain_worker(uuid, boolean) is
  'Says that a worker calls a successor, which may start beside it, or does so no more.';

-- stop_worker: say that a worker takes no more tasks.
create or replace function pgflow.stop_worker(worker_id uuid)
  returns void
  language sql
  set search_path = ''
as $$
  update pgflow.workers w
  set stopped_at = clock_timestamp()
  where w.worker_id = stop_worker.worker_id
    and w.stopped_at is null;
$$;

comment on function pgflow.stop_worker(uuid) is 'Says that a worker takes no more tasks.';

-- deprecate_workers: ask all workers of a function but one to stop; returns how many were asked.
create or replace function pgflow.deprecate_workers(
  function_name text,
  except_worker_id uuid default null
)
  returns int
  language sql
  set search_path = ''
as $$
  with deprecated as (
    update pgflow.workers w
    set deprecated_at = clock_timestamp()
    where w.function_name = deprecate_workers.function_name
      and w.worker_id is distinct from deprecate_workers.except_worker_id
      and w.deprecated_at is null
      and w.stopped_at is null
    returning w.worker_id
  )

  select count(*)::int from deprecated;
$$;

comment on function pgflow.deprecate_workers(text, uuid) is
  'Asks all workers of a function but one to finish what they hold and stop.';

-- closed_attempts: of the attempts a worker still runs, those that may no longer report.
--
-- Called with a worker's heartbeat, so that it can abort handlers whose run was cancelled or has
-- failed, or whose task was handed to somebody else. Takes [{"run_id", "step_slug", "task_index",
-- "attempt"}, …]; locks nothing.
create or replace function pgflow.closed_attempts(attempts jsonb)
  returns table (run_id uuid, step_slug text, task_index int, attempt int)
  language sql
  stable
  set search_path = ''
as $$
  select a.run_id, a.step_slug, a.task_index, a.attempt
  from jsonb_to_recordset(closed_attempts.attempts) as a (
    run_id uuid, step_slug text, task_index int, attempt int
  )
  where not exists (
    select
    from pgflow.step_tasks t
    where t.run_id = a.run_id
      and t.step_slug = a.step_slug
      and t.task_index = a.task_index
      and t.open_attempt = a.attempt
  );
$$;

comment on function pgflow.closed_attempts(jsonb) is
  'Of the attempts a worker runs, those that may no longer report: its handlers can be aborted.';

-- requeue_stalled_tasks: let the tasks of workers that are gone come back at once.
--
-- A worker is gone when it has stopped, or when its heartbeat stays out for as long as its lease,
-- which is 30 seconds if it did not say otherwise. Without this its tasks come back when their
-- step's visibility ends. The attempt stays counted: the next poll records it as lost. Returns the
-- number of tasks; takes queue rows only and waits for none.
create or replace function pgflow.requeue_stalled_tasks()
  returns int
  language plpgsql
  set search_path = ''
  set enable_seqscan = off
  set enable_hashjoin = off
  set enable_mergejoin = off
  set join_collapse_limit = 1
as $$
declare
  v_flow record;
  v_requeued int;
  v_total int := 0;
begin
  for v_flow in select f.flow_slug from pgflow.flows f loop
    execute format(
      $query$
        with stalled as materialized (
          select m.msg_id
          from pgmq.%1$I m
          join pgflow.step_tasks t
            on t.run_id = case
              when m.message ->> 'run_id' ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
                then (m.message ->> 'run_id')::uuid
            end
            and t.step_slug = m.message ->> 'step_slug'
            and t.task_index = case
              when m.message ->> 'task_index' ~ '^[0-9]{1,9}$'
                then (m.message ->> 'task_index')::int
            end
            and t.message_id = m.msg_id
          join pgflow.workers w
            on w.worker_id = t.last_worker_id
          where m.vt > $1
            and t.status = 'started'
            and (
              w.stopped_at is not null
              or w.last_heartbeat_at
                < clock_timestamp() - make_interval(secs => w.lease_ms / 1000.0)
            )
          for no key update of m skip locked
        )

        update pgmq.%1$I m
        set vt = clock_timestamp()
        from stalled s
        where m.msg_id = s.msg_id
      $query$,
      'q_' || lower(v_flow.flow_slug)
    )
    using clock_timestamp();

    get diagnostics v_requeued = row_count;
    v_total := v_total + v_requeued;
  end loop;

  return v_total;
end;
$$;

comment on function pgflow.requeue_stalled_tasks() is
  'Lets the tasks of workers that are gone come back at once; returns how many.';
