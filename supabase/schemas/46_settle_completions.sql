-- _settle_completions: carry completed tasks on to their messages, steps, dependents and runs.
--
-- One statement for the messages, one for the steps, then those of _advance_steps. The caller holds
-- the locks of the root runs.
create or replace function pgflow._settle_completions(tasks pgflow.settled_task[])
  returns void
  language plpgsql
  set search_path = ''
as $$
declare
  v_ended_run_ids uuid[];
  v_run_ids uuid[];
  v_step_slugs text[];
  v_arrived int[];
begin
  if cardinality(_settle_completions.tasks) = 0 then
    return;
  end if;

  perform
  from (
    select t.flow_slug, array_agg(t.message_id) as message_ids
    from unnest(_settle_completions.tasks) t
    where t.message_id is not null
    group by t.flow_slug
  ) q
  cross join lateral pgmq.archive(queue_name => q.flow_slug, msg_ids => q.message_ids);

  with counts as (
    select t.run_id, t.step_slug, count(*)::int as tasks
    from unnest(_settle_completions.tasks) t
    group by t.run_id, t.step_slug
  ),

  counted_steps as (
    update pgflow.step_states s
    set
      remaining_tasks = s.remaining_tasks - c.tasks,
      status = case when s.remaining_tasks = c.tasks then 'completed' else s.status end,
      completed_at = case when s.remaining_tasks = c.tasks then now() end,
      -- A map gathers its outputs once, when its last task is done.
      output = case
        when s.remaining_tasks = c.tasks then (
          select jsonb_agg(t.output order by t.task_index)
          from pgflow.steps st
          join pgflow.step_tasks t
            on t.run_id = s.run_id
            and t.step_slug = s.step_slug
          where st.flow_slug = s.flow_slug
            and st.step_slug = s.step_slug
            and st.step_type = 'map'
        )
      end
    from counts c
    where s.run_id = c.run_id
      and s.step_slug = c.step_slug
      and s.status = 'started'
    returning s.flow_slug, s.run_id, s.step_slug, s.status
  ),

  ended_steps as (
    select c.flow_slug, c.run_id, c.step_slug
    from counted_steps c
    where c.status = 'completed'
  ),

  dependents as (
    select e.run_id, d.step_slug, count(*)::int as arrived
    from ended_steps e
    join pgflow.deps d
      on d.flow_slug = e.flow_slug
      and d.dep_slug = e.step_slug
    group by e.run_id, d.step_slug
  )

  select
    (select array_agg(e.run_id) from ended_steps e),
    array_agg(d.run_id),
    array_agg(d.step_slug),
    array_agg(d.arrived)
  into v_ended_run_ids, v_run_ids, v_step_slugs, v_arrived
  from dependents d;

  perform pgflow._advance_steps(v_ended_run_ids, v_run_ids, v_step_slugs, v_arrived);
end;
$$;
