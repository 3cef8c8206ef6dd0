-- register_worker: announce a worker; the same worker again lives on.
create or replace function pgflow.register_worker(
  worker_id uuid,
  queue_name text,
  function_name text
)
  returns void
  language sql
  set search_path = ''
as $$
  insert into pgflow.workers (worker_id, queue_name, function_name)
  values (register_worker.worker_id, register_worker.queue_name, register_worker.function_name)
  on conflict (worker_id) do update set last_heartbeat_at = now(), stopped_at = null;
$$;

comment on function pgflow.register_worker(uuid, text, text) is 'Announces a worker of a function.';

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
