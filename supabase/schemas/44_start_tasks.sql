-- start_tasks: claim the tasks of messages the caller has read from the queue itself.
--
-- Takes only queued tasks, so two overlapping calls never get the same one; a started task whose
-- message reappeared is taken by poll_for_tasks alone.
create or replace function pgflow.start_tasks(flow_slug text, msg_ids bigint[], worker_id uuid)
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
declare
  v_message_ids bigint[];
  v_messages jsonb[];
begin
  if not exists (select from pgflow.flows f where f.flow_slug = start_tasks.flow_slug) then
    raise exception using
      errcode = 'PF001',
      message = format('Cannot start tasks of flow "%s": it does not exist', start_tasks.flow_slug),
      hint = 'Create the flow first: its worker does so when it starts.';
  end if;

  execute format(
    'select array_agg(m.msg_id), array_agg(m.message) from pgmq.%I m where m.msg_id = any ($1)',
    'q_' || lower(start_tasks.flow_slug)
  )
  into v_message_ids, v_messages
  using start_tasks.msg_ids;

  return query
  select t.*
  from unnest(
    -- No visibility is what the caller chose, so that each message gets its step's own.
    pgflow._claim_tasks(
      start_tasks.flow_slug, v_message_ids, v_messages, start_tasks.worker_id, array['queued'], 0
    )
  ) t;
end;
$$;

comment on function pgflow.start_tasks(text, bigint[], uuid) is
  'Claims the queued tasks of messages that the caller has read itself.';
