-- _claim_tasks: make the tasks of messages the caller has read its own, and return them with input.
--
-- Only rows that nobody holds are taken (skip locked), and the rows returned come from the update,
-- so two claims never get the same attempt. Each claim counts an attempt and opens it for a
-- report; an attempt that was still open is lost. Messages whose step's own visibility differs
-- from seconds_hidden are corrected in one statement.
create or replace function pgflow._claim_tasks(
  flow_slug text,
  message_ids bigint[],
  messages jsonb[],
  worker_id uuid,
  statuses text[],
  seconds_hidden int
)
  returns pgflow.step_task_record[]
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_tasks pgflow.step_task_record[];
  v_message_ids bigint[];
  v_seconds int[];
begin
  with open_tasks as materialized (
    select
      t.run_id,
      t.step_slug,
      t.task_index,
      t.open_attempt as lost_attempt,
      t.last_worker_id as lost_worker_id,
      least(coalesce(st.opt_timeout, f.opt_timeout), 2147483645) + 2 as seconds
    from unnest(_claim_tasks.message_ids, _claim_tasks.messages) as m (message_id, message)
    join pgflow.step_tasks t
      -- A foreign message must not stop the queue: only what looks like an id is cast.
      on t.run_id = case
        when m.message ->> 'run_id' ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
          then (m.message ->> 'run_id')::uuid
      end
      and t.step_slug = m.message ->> 'step_slug'
      and t.task_index = case
        when m.message ->> 'task_index' ~ '^[0-9]{1,9}$' then (m.message ->> 'task_index')::int
      end
      and t.message_id = m.message_id
    join pgflow.steps st
      on st.flow_slug = t.flow_slug
      and st.step_slug = t.step_slug
    join pgflow.flows f
      on f.flow_slug = t.flow_slug
    where t.status = any (_claim_tasks.statuses)
      and (t.open_attempt is null or 'started' = any (_claim_tasks.statuses))
      and t.attempts_count - t.attempts_forgiven
        < greatest(coalesce(st.opt_max_attempts, f.opt_max_attempts), 1)
    for no key update of t skip locked
  ),

  claimed as (
    update pgflow.step_tasks t
    set
      status = case when _claim_tasks.worker_id is null then 'queued' else 'started' end,
      attempts_count = t.attempts_count + 1,
      open_attempt = t.attempts_count + 1,
      started_at = clock_timestamp(),
      error_message = case
        when o.lost_attempt is null then t.error_message
        else format('[lost worker] attempt %s was never reported', o.lost_attempt)
      end,
      last_worker_id = _claim_tasks.worker_id
    from open_tasks o
    where t.run_id = o.run_id
      and t.step_slug = o.step_slug
      and t.task_index = o.task_index
    returning
      t.flow_slug, t.run_id, t.step_slug, t.input, t.message_id, t.task_index, t.attempts_count,
      t.error_message, o.seconds, o.lost_attempt, o.lost_worker_id
  ),

  -- A message that reappeared under an open attempt means that its worker was lost.
  failures as (
    insert into pgflow.task_failures (
      run_id, step_slug, task_index, attempt, error_message, worker_id
    )
    select
      c.run_id, c.step_slug, c.task_index, c.lost_attempt, c.error_message, c.lost_worker_id
    from claimed c
    where c.lost_attempt is not null
    on conflict do nothing
  )

  select
    array_agg(
      row(
        c.flow_slug,
        c.run_id,
        c.step_slug,
        -- A map's task was given its element when it was created.
        coalesce(c.input, i.input),
        c.message_id,
        c.task_index,
        c.attempts_count
      )::pgflow.step_task_record
      order by c.message_id
    ),
    array_agg(c.message_id) filter (where c.seconds <> _claim_tasks.seconds_hidden),
    array_agg(c.seconds) filter (where c.seconds <> _claim_tasks.seconds_hidden)
  into v_tasks, v_message_ids, v_seconds
  from claimed c, pgflow.step_inputs i
  where i.run_id = c.run_id
    and i.step_slug = c.step_slug;

  if cardinality(v_message_ids) > 0 then
    perform pgflow._hide_messages(_claim_tasks.flow_slug, v_message_ids, v_seconds);
  end if;

  return coalesce(v_tasks, '{}');
end;
$$;
