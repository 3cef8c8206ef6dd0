-- _start_children: start child runs for tasks of subflow steps whose handlers returned an input.
--
-- Takes the results of a batch and returns those that are left: a task that now waits for its child
-- run is gone from them, and one whose child cannot start (an unknown flow, an input that does not
-- fit) has failed. The caller holds the locks of the root runs.
create or replace function pgflow._start_children(inout results jsonb, out child_run_ids uuid[])
  language plpgsql
  set search_path = ''
  set join_collapse_limit = 1
as $$
declare
  v_started record;
begin
  with entries as materialized (
    select e.result, e.position, c.*
    from jsonb_array_elements(_start_children.results) with ordinality as e (result, position)
    left join lateral (
      select
        t.run_id,
        t.step_slug,
        t.task_index,
        t.message_id,
        (e.result ->> 'attempt')::int as attempt,
        st.subflow_slug,
        coalesce(r.root_run_id, r.run_id) as root_run_id,
        r.owner,
        case
          when f.flow_slug is null then format('subflow "%s" does not exist', st.subflow_slug)
          when jsonb_typeof(coalesce(e.result -> 'output', 'null')) <> 'array' and exists (
            select
            from pgflow.steps root
            where root.flow_slug = st.subflow_slug
              and root.deps_count = 0
              and root.step_type = 'map'
          ) then format('subflow "%s" maps over its input, which is not an array', st.subflow_slug)
        end as error_message
      from pgflow.step_tasks t
      join pgflow.steps st
        on st.flow_slug = t.flow_slug
        and st.step_slug = t.step_slug
      join pgflow.runs r
        on r.run_id = t.run_id
      left join pgflow.flows f
        on f.flow_slug = st.subflow_slug
      where t.run_id = (e.result ->> 'run_id')::uuid
        and t.step_slug = e.result ->> 'step_slug'
        and t.task_index = coalesce((e.result ->> 'task_index')::int, 0)
        and st.performed_by = 'subflow'
        and t.status in ('queued', 'started')
        and coalesce((e.result ->> 'attempt')::int = t.open_attempt, e.result ->> 'attempt' is null)
        and not e.result ? 'error_message'
        and not e.result @> '{"release": true}'
    ) c on true
  ),

  waiting as (
    update pgflow.step_tasks t
    set
      status = 'waiting',
      attempts_count = t.attempts_count + (t.open_attempt is null)::int,
      child_run_id = pgflow._new_run_id(),
      error_message = null,
      open_attempt = null,
      due_at = null,
      message_id = null
    from entries e
    where e.run_id is not null
      and e.error_message is null
      and t.run_id = e.run_id
      and t.step_slug = e.step_slug
      and t.task_index = e.task_index
      and t.status in ('queued', 'started')
      and (e.attempt is null or e.attempt = t.open_attempt)
    returning
      t.flow_slug, t.run_id, t.step_slug, t.task_index, t.child_run_id,
      e.message_id, e.root_run_id, e.owner, e.subflow_slug,
      coalesce(e.result -> 'output', 'null') as input
  ),

  children as (
    select
      w.subflow_slug,
      jsonb_agg(
        jsonb_build_object(
          'run_id', w.child_run_id,
          'root_run_id', w.root_run_id,
          'owner', w.owner,
          'parent_run_id', w.run_id,
          'parent_step_slug', w.step_slug,
          'parent_task_index', w.task_index,
          'input', w.input
        )
      ) as runs
    from waiting w
    group by w.subflow_slug
  )

  select
    (select array_agg(w.flow_slug) from waiting w) as flow_slugs,
    (select array_agg(w.message_id) from waiting w) as message_ids,
    (select array_agg(w.child_run_id) from waiting w) as run_ids,
    (select jsonb_object_agg(c.subflow_slug, c.runs) from children c) as runs_by_flow,
    (
      select jsonb_agg(
        case
          when e.error_message is null then e.result
          else (e.result - 'output')
            || jsonb_build_object('error_message', '[type] ' || e.error_message)
        end
        order by e.position
      )
      from entries e
      where e.run_id is null
        or e.error_message is not null
    ) as results
  into v_started;

  results := coalesce(v_started.results, '[]');
  child_run_ids := v_started.run_ids;

  if child_run_ids is not null then
    perform pgflow._archive_messages(v_started.flow_slugs, v_started.message_ids);

    perform pgflow._start_runs(
      f.flow_slug,
      array(select r from jsonb_populate_recordset(null::pgflow.runs, f.runs) r)
    )
    from jsonb_each(v_started.runs_by_flow) as f (flow_slug, runs);
  end if;
end;
$$;

-- _settle_parents: let tasks that wait for child runs go on when these have ended.
--
-- A child's output is the task's output; its failure is a failed attempt of the task, retried with
-- a new child run. A parent that ends may be a child itself, so this climbs, one round per level.
-- The caller holds the locks of the root runs.
create or replace function pgflow._settle_parents(child_run_ids uuid[])
  returns void
  language plpgsql
  set search_path = ''
  set join_collapse_limit = 1
as $$
declare
  v_run_ids uuid[] := _settle_parents.child_run_ids;
  v_tasks pgflow.settled_task[];
begin
  while cardinality(v_run_ids) > 0 loop
    with ended_children as (
      select
        t.run_id,
        t.step_slug,
        t.task_index,
        c.output,
        case
          when c.status = 'completed' then 'completed'
          when c.status = 'cancelled' or l.attempts >= l.max_attempts then 'exhausted'
          else 'retried'
        end as outcome,
        format(
          'child run %s %s: %s',
          c.run_id,
          c.status,
          coalesce(c.error_message, 'no reason given')
        )
          as error_message,
        pgflow._retry_delay(
          coalesce(st.opt_base_delay, f.opt_base_delay),
          l.attempts,
          f.opt_retry_jitter
        )
          as seconds
      from unnest(v_run_ids) as x (run_id)
      join pgflow.runs c
        on c.run_id = x.run_id
      join pgflow.step_tasks t
        on t.run_id = c.parent_run_id
        and t.step_slug = c.parent_step_slug
        and t.task_index = c.parent_task_index
        and t.child_run_id = c.run_id
      join pgflow.steps st
        on st.flow_slug = t.flow_slug
        and st.step_slug = t.step_slug
      join pgflow.flows f
        on f.flow_slug = t.flow_slug
      cross join lateral (
        select
          t.attempts_count - t.attempts_forgiven as attempts,
          greatest(coalesce(st.opt_max_attempts, f.opt_max_attempts), 1) as max_attempts
      ) l
      where c.status <> 'started'
        and t.status = 'waiting'
    ),

    moved as (
      update pgflow.step_tasks t
      set
        status = case e.outcome
          when 'completed' then 'completed'
          when 'exhausted' then 'failed'
          else 'queued'
        end,
        completed_at = case when e.outcome = 'completed' then now() end,
        failed_at = case when e.outcome = 'exhausted' then now() end,
        output = case when e.outcome = 'completed' then e.output end,
        error_message = case when e.outcome <> 'completed' then e.error_message end,
        due_at = case
          when e.outcome = 'retried' then clock_timestamp() + make_interval(secs => e.seconds)
        end
      from ended_children e
      where t.run_id = e.run_id
        and t.step_slug = e.step_slug
        and t.task_index = e.task_index
        and t.status = 'waiting'
      returning
        t.flow_slug, t.run_id, t.step_slug, t.task_index, e.outcome, e.error_message,
        t.attempts_count, t.last_worker_id
    )

    select
      array_agg(
        row(
          m.flow_slug, m.run_id, m.step_slug, m.task_index, null, m.outcome, 0, m.error_message,
          m.attempts_count, m.last_worker_id
        )::pgflow.settled_task
      )
    into v_tasks
    from moved m;

    v_tasks := coalesce(v_tasks, '{}');
    perform pgflow._settle_completions(
      array(select t from unnest(v_tasks) t where t.outcome = 'completed')
    );
    perform pgflow._settle_failures(
      array(select t from unnest(v_tasks) t where t.outcome <> 'completed')
    );

    v_run_ids := array(
      select distinct r.run_id
      from unnest(v_tasks) t
      join pgflow.runs r on r.run_id = t.run_id
      where r.parent_run_id is not null
    );
  end loop;
end;
$$;
