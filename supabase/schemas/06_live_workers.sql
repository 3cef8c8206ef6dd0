-- live_workers: the workers whose heartbeat is fresh, and what they do.
--
-- running: takes tasks. draining: does so until the successor that it called has started.
-- deprecated: finishes what it holds.
create or replace view pgflow.live_workers with (security_invoker = on) as
select
  w.worker_id,
  w.function_name,
  string_to_array(w.queue_name, ',') as queue_names,
  case
    when w.deprecated_at is not null then 'deprecated'
    when w.draining_at is not null then 'draining'
    else 'running'
  end as state,
  w.deployment,
  w.started_at,
  w.last_heartbeat_at
from pgflow.workers w
where w.stopped_at is null
  -- The longest lease there is, so that an index finds them among all the workers of the past.
  and w.last_heartbeat_at > statement_timestamp() - interval '5 minutes'
  and w.last_heartbeat_at > statement_timestamp() - make_interval(secs => w.lease_ms / 1000.0);

comment on view pgflow.live_workers is 'The workers whose heartbeat is fresh, and whether they take tasks.';
