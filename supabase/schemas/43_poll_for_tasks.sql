-- poll_for_tasks: claim the tasks of up to qty visible messages, waiting for them if there are
-- none.
--
-- Reading messages, claiming their tasks and deciding that a message is an orphan are statements
-- of their own, each with a newer snapshot: one statement would see a message without the task
-- that was committed with it. Takes queue rows, then tasks, and never waits for a row lock: what
-- is locked now comes back after vt. Workers wait with wait_for_tasks and poll with
-- max_poll_seconds 0.
create or replace function pgflow.poll_for_tasks(
  queue_name text,
  vt int,
  qty int,
  max_poll_seconds int default 5,
  poll_interval_ms int default 100,
  worker_id uuid default null
)
  returns setof pgflow.step_task_record
  language plpgsql
  set search_path = ''
  set plan_cache_mode = force_generic_plan
  set enable_seqscan = off
  set enable_hashjoin = off
  set enable_mergejoin = off
  set join_collapse_limit = 1
  set jit = off
as $$
#variable_conflict use_column
declare
  v_deadline timestamptz := clock_timestamp()
    + make_interval(secs => poll_for_tasks.max_poll_seconds);
  v_seconds_hidden int;
  v_now timestamptz;
  v_had_due_tasks boolean;
  v_message_ids bigint[];
  v_messages jsonb[];
  v_tasks pgflow.step_task_record[];
begin
  select
    case
      when count(*) > 0 then least(
        coalesce(max(coalesce(s.opt_timeout, f.opt_timeout)), max(f.opt_timeout)),
        2147483645
      ) + 2
    end
  into v_seconds_hidden
  from pgflow.flows f
  left join pgflow.steps s
    on s.flow_slug = f.flow_slug
    and s.performed_by <> 'approval'
  where f.flow_slug = poll_for_tasks.queue_name;

  if v_seconds_hidden is null then
    raise exception using
      errcode = 'PF001',
      message = format('Cannot poll queue "%s": no flow has this slug', poll_for_tasks.queue_name),
      hint = 'Create the flow first: its worker does so when it starts.';
  end if;

  if poll_for_tasks.qty < 1 then
    return;
  end if;

  loop
    v_now := clock_timestamp();
    v_had_due_tasks := exists (
      select
      from pgflow.step_tasks t
      where t.flow_slug = poll_for_tasks.queue_name
        and t.due_at <= v_now
    );

    if v_had_due_tasks then
      perform pgflow._queue_due_tasks(poll_for_tasks.queue_name, v_now);

      begin
        perform pgflow._end_due_approvals(poll_for_tasks.queue_name, v_now);
      exception
        when lock_not_available then
          null;
      end;
    end if;

    select array_agg(m.msg_id), array_agg(m.message)
    into v_message_ids, v_messages
    from pgmq.read(
      queue_name => poll_for_tasks.queue_name,
      vt => v_seconds_hidden,
      qty => poll_for_tasks.qty
    ) m;

    if v_message_ids is not null then
      v_tasks := pgflow._claim_tasks(
        poll_for_tasks.queue_name,
        v_message_ids,
        v_messages,
        poll_for_tasks.worker_id,
        array['queued', 'started'],
        v_seconds_hidden
      );

      if cardinality(v_tasks) < cardinality(v_message_ids) then
        perform pgflow._drop_unclaimed_messages(
          poll_for_tasks.queue_name,
          v_message_ids,
          v_messages,
          v_tasks,
          poll_for_tasks.vt
        );
      end if;

      if cardinality(v_tasks) > 0 then
        return query select t.* from unnest(v_tasks) t;
        return;
      end if;
    end if;

    -- What was due is locked until this call ends, so it must not go on waiting.
    exit when v_had_due_tasks or clock_timestamp() >= v_deadline;
    perform pg_sleep(poll_for_tasks.poll_interval_ms / 1000.0);
  end loop;
end;
$$;

-- _drop_unclaimed_messages: decide about messages that were read and whose task was not claimed.
--
-- Without an open task the message is archived. A task held by another session comes back after vt.
-- A task whose attempts are spent ends, if that needs no waiting, else it comes back after vt too.
create or replace function pgflow._drop_unclaimed_messages(
  flow_slug text,
  message_ids bigint[],
  messages jsonb[],
  claimed pgflow.step_task_record[],
  vt int
)
  returns void
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_orphans bigint[];
  v_open bigint[];
  v_lost jsonb;
begin
  select
    array_agg(m.message_id) filter (where t.run_id is null),
    array_agg(m.message_id) filter (where t.run_id is not null),
    jsonb_agg(
      jsonb_build_object(
        'run_id', t.run_id,
        'step_slug', t.step_slug,
        'task_index', t.task_index,
        'attempt', t.open_attempt,
        'error_message', format('[lost worker] attempt %s was never reported', t.attempts_count),
        'permanent', true,
        'unclaimed', true
      )
    )
    filter (
      where t.attempts_count - t.attempts_forgiven
        >= greatest(coalesce(st.opt_max_attempts, f.opt_max_attempts), 1)
    )
  into v_orphans, v_open, v_lost
  from unnest(_drop_unclaimed_messages.message_ids, _drop_unclaimed_messages.messages)
    as m (message_id, message)
  left join pgflow.step_tasks t
    on t.run_id = case
      when m.message ->> 'run_id' ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
        then (m.message ->> 'run_id')::uuid
    end
    and t.step_slug = m.message ->> 'step_slug'
    and t.task_index = case
      when m.message ->> 'task_index' ~ '^[0-9]{1,9}$' then (m.message ->> 'task_index')::int
    end
    and t.message_id = m.message_id
    and t.status in ('queued', 'started')
  left join pgflow.steps st
    on st.flow_slug = t.flow_slug
    and st.step_slug = t.step_slug
  left join pgflow.flows f
    on f.flow_slug = t.flow_slug
  where m.message_id <> all (
    array(select c.msg_id from unnest(_drop_unclaimed_messages.claimed) c)
  );

  if v_orphans is not null then
    perform pgflow._archive_messages(
      array_fill(_drop_unclaimed_messages.flow_slug, array[cardinality(v_orphans)]),
      v_orphans
    );
  end if;

  if v_open is not null then
    perform pgflow._hide_messages(
      _drop_unclaimed_messages.flow_slug,
      v_open,
      array_fill(_drop_unclaimed_messages.vt, array[cardinality(v_open)])
    );
  end if;

  if v_lost is not null then
    begin
      perform pgflow._fail_lost_tasks(v_lost);
    exception
      when lock_not_available then
        null;
    end;
  end if;
end;
$$;

-- _fail_lost_tasks: settle tasks whose last attempt was never reported, without waiting.
--
-- The caller holds queue rows, which whoever settles takes last: it must not wait for a run's lock.
-- A lock timeout, unlike nowait, also covers what settling locks after the run.
create or replace function pgflow._fail_lost_tasks(results jsonb)
  returns void
  language plpgsql
  set search_path = ''
  set lock_timeout = '5ms'
as $$
begin
  perform pgflow.settle_tasks(_fail_lost_tasks.results);
end;
$$;

comment on function pgflow.poll_for_tasks(text, int, int, int, int, uuid) is
  'Claims the tasks of up to qty visible messages, lowest id first, for a worker or a plain consumer.';
