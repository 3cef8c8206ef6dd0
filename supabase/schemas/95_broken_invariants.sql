-- broken_invariants: what must never be; empty at all times.
--
-- For tests and for operators. It reads every open run, and the queues through their messages' tasks.
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
select 'open task has neither a message nor something it waits for', t.run_id, t.step_slug, t.task_index
from pgflow.step_tasks t
where t.status in ('queued', 'started')
  and t.message_id is null
  and t.due_at is null;

comment on view pgflow.broken_invariants is 'What must never be: a row here is a defect of the engine.';
