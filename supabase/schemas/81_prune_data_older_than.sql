-- prune_data_older_than: delete runs that ended before so long, archived messages and dead workers.
--
-- One call deletes at most max_runs runs, as many workers and max_messages archived messages, so
-- that no transaction holds many locks for long: call it until "more" is false, as pg_cron does
-- every few minutes. What another session holds is left for the next call, so that it waits for
-- nobody. Child runs go with their root run.
create or replace function pgflow.prune_data_older_than(
  retention interval,
  max_runs int default 1000,
  max_messages int default 10000
)
  returns jsonb
  language plpgsql
  set search_path = ''
  set enable_seqscan = off
  set enable_hashjoin = off
  set enable_mergejoin = off
as $$
declare
  v_before timestamptz := now() - prune_data_older_than.retention;
  v_run_ids uuid[];
  v_runs int;
  v_deleted int;
  v_messages int := 0;
  v_workers int;
  v_queue record;
begin
  v_run_ids := array(
    select r.run_id
    from pgflow.flows f
    cross join lateral (
      -- The index on (flow_slug, started_at) finds the oldest first: a run ends after it starts.
      select x.run_id
      from pgflow.runs x
      where x.flow_slug = f.flow_slug
        and x.started_at < v_before
        and x.root_run_id is null
        and x.status <> 'started'
        and coalesce(x.completed_at, x.failed_at, x.cancelled_at) < v_before
      order by x.started_at
      limit prune_data_older_than.max_runs
      for update skip locked
    ) r
    limit prune_data_older_than.max_runs
  );

  v_runs := cardinality(v_run_ids);

  -- Children are found level by level; each delete takes a run's steps, tasks and failures with it.
  with recursive families as (
    select x.run_id from unnest(v_run_ids) as x (run_id)
    union all
    select c.run_id
    from families p
    join pgflow.runs c on c.parent_run_id = p.run_id
  )

  delete from pgflow.runs r
  using families f
  where r.run_id = f.run_id;

  for v_queue in select f.flow_slug from pgflow.flows f loop
    execute format(
      $query$
        delete from pgmq.%1$I a
        where a.msg_id = any (
          array(
            select o.msg_id
            from pgmq.%1$I o
            where o.archived_at < $1
            order by o.archived_at
            limit $2
            for update skip locked
          )
        )
      $query$,
      'a_' || lower(v_queue.flow_slug)
    )
    using v_before, prune_data_older_than.max_messages - v_messages;

    get diagnostics v_deleted = row_count;
    v_messages := v_messages + v_deleted;
    exit when v_messages >= prune_data_older_than.max_messages;
  end loop;

  -- A worker that lives may be asked to stop, so its row must stay whatever the retention.
  delete from pgflow.workers w
  where w.worker_id = any (
    array(
      select o.worker_id
      from pgflow.workers o
      where o.last_heartbeat_at < least(v_before, now() - interval '1 hour')
      order by o.last_heartbeat_at
      limit prune_data_older_than.max_runs
      for update skip locked
    )
  );

  get diagnostics v_workers = row_count;

  return jsonb_build_object(
    'runs', v_runs,
    'messages', v_messages,
    'workers', v_workers,
    'more',
    v_runs >= prune_data_older_than.max_runs
      or v_messages >= prune_data_older_than.max_messages
      or v_workers >= prune_data_older_than.max_runs
  );
end;
$$;

comment on function pgflow.prune_data_older_than(interval, int, int) is
  'Deletes a bounded batch of ended runs, archived messages and workers; call until "more" is false.';
