-- _messages: the messages of all flows' queues, which are a table each.
create or replace function pgflow._messages()
  returns table (flow_slug text, message_id bigint, message jsonb, visible_at timestamptz)
  language plpgsql
  stable
  set search_path = ''
as $$
declare
  v_queries text;
begin
  select string_agg(
    format(
      'select %L, q.msg_id, q.message, q.vt from pgmq.%I q',
      f.flow_slug,
      'q_' || lower(f.flow_slug)
    ),
    ' union all '
  )
  into v_queries
  from pgflow.flows f;

  if v_queries is not null then
    return query execute v_queries;
  end if;
end;
$$;

-- broken_invariants: what must never be; empty at all times.
--
-- For tests and for operators: it reads all runs and all queues.
create view pgflow.broken_invariants
  with (security_invoker = on)
as
select
  'run counts other steps than are open' as invariant,
  r.run_id,
  null::text as step_slug,
  null::int as task_index
from pgflow.runs r
where r.status = 'started'
  and r.remaining_steps <> (
    select count(*)
    from pgflow.step_states s
    where s.run_id = r.run_id
      and s.status in ('created', 'started')
  )
union all
select 'open run has nothing open', r.run_id, null, null
from pgflow.runs r
where r.status = 'started'
  and not exists (
    select
    from pgflow.step_states s
    where s.run_id = r.run_id
      and s.status = 'started'
  )
union all
select 'started step counts other tasks than are open', s.run_id, s.step_slug, null
from pgflow.step_states s
where s.status = 'started'
  and s.remaining_tasks <> (
    select count(*)
    from pgflow.step_tasks t
    where t.run_id = s.run_id
      and t.step_slug = s.step_slug
      and t.status in ('queued', 'started', 'waiting')
  )
union all
select 'created step counts other dependencies than are open', s.run_id, s.step_slug, null
from pgflow.step_states s
join pgflow.runs r on r.run_id = s.run_id
where s.status = 'created'
  and r.status = 'started'
  and s.remaining_deps <> (
    select count(*)
    from pgflow.deps d
    join pgflow.step_states ds
      on ds.run_id = s.run_id
      and ds.step_slug = d.dep_slug
    where d.flow_slug = s.flow_slug
      and d.step_slug = s.step_slug
      and ds.status in ('created', 'started')
  )
union all
select 'ended run has an open step', s.run_id, s.step_slug, null
from pgflow.step_states s
join pgflow.runs r on r.run_id = s.run_id
where s.status in ('created', 'started')
  and r.status <> 'started'
union all
select 'ended step has an open task', t.run_id, t.step_slug, t.task_index
from pgflow.step_tasks t
join pgflow.step_states s
  on s.run_id = t.run_id
  and s.step_slug = t.step_slug
where t.status in ('queued', 'started', 'waiting')
  and s.status <> 'started'
union all
select
  'open task has neither a message nor something it waits for',
  t.run_id,
  t.step_slug,
  t.task_index
from pgflow.step_tasks t
where t.status in ('queued', 'started')
  and t.message_id is null
  and t.due_at is null
union all
select 'task waits for a child run that is not open', t.run_id, t.step_slug, t.task_index
from pgflow.step_tasks t
join pgflow.steps st
  on st.flow_slug = t.flow_slug
  and st.step_slug = t.step_slug
where t.status = 'waiting'
  and st.performed_by = 'subflow'
  and not exists (
    select
    from pgflow.runs r
    where r.run_id = t.child_run_id
      and r.status = 'started'
  )
union all
select 'open task''s message is not in its queue', t.run_id, t.step_slug, t.task_index
from pgflow.step_tasks t
left join pgflow._messages() m
  on m.flow_slug = t.flow_slug
  and m.message_id = t.message_id
where t.status in ('queued', 'started')
  and t.message_id is not null
  and m.message_id is null
union all
select
  format('message %s of queue "%s" has no open task', m.message_id, m.flow_slug),
  null,
  m.message ->> 'step_slug',
  null
from pgflow._messages() m
left join pgflow.step_tasks t
  on t.flow_slug = m.flow_slug
  and t.message_id = m.message_id
  and t.status in ('queued', 'started')
-- A foreign message is not the engine's; the next poll archives it.
where m.message ? 'run_id'
  and t.run_id is null;

comment on view pgflow.broken_invariants is 'What must never be: a row here is a defect of the engine.';
