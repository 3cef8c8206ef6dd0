-- api_get_run: a run and its steps for a caller who may read it.
--
-- {"run": {…}, "steps": [{…}]}, the steps in the order of their definition. An approval that waits
-- shows what there is to decide; of a step's failures and approvals a hundred are shown.
create or replace function pgflow.api_get_run(run_id uuid)
  returns jsonb
  language plpgsql
  stable
  security definer
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_run pgflow.runs := pgflow._require_run(api_get_run.run_id, 'get');
  v_caller pgflow.caller := pgflow._caller();
begin
  return jsonb_build_object(
    'run', pgflow._run_json(v_run),
    'steps', coalesce(
      (
        select jsonb_agg(
          jsonb_build_object(
            'step_slug', s.step_slug,
            'step_type', st.step_type,
            'performed_by', st.performed_by,
            'deps_slugs', (
              select coalesce(jsonb_agg(d.dep_slug order by d.dep_slug), '[]')
              from pgflow.deps d
              where d.flow_slug = s.flow_slug
                and d.step_slug = s.step_slug
            ),
            'status', s.status,
            'output', coalesce(
              s.output,
              case
                when st.step_type = 'single' then (
                  select t.output
                  from pgflow.step_tasks t
                  where t.run_id = s.run_id
                    and t.step_slug = s.step_slug
                    and t.task_index = 0
                )
              end
            ),
            'error_message', s.error_message,
            'skip_reason', s.skip_reason,
            'initial_tasks', s.initial_tasks,
            'remaining_tasks', s.remaining_tasks,
            'remaining_deps', s.remaining_deps,
            'created_at', s.created_at,
            'started_at', s.started_at,
            'completed_at', s.completed_at,
            'failed_at', s.failed_at,
            'skipped_at', s.skipped_at,
            'cancelled_at', s.cancelled_at,
            'failures', (
              select coalesce(
                jsonb_agg(
                  jsonb_build_object(
                    'task_index', f.task_index,
                    'attempt', f.attempt,
                    'error_message', f.error_message,
                    'failed_at', f.failed_at
                  )
                  order by f.task_index, f.attempt
                ),
                '[]'
              )
              from (
                select x.*
                from pgflow.task_failures x
                where x.run_id = s.run_id
                  and x.step_slug = s.step_slug
                order by x.task_index, x.attempt
                limit 100
              ) f
            ),
            'waiting', (
              select coalesce(
                jsonb_agg(
                  jsonb_build_object(
                    'task_index', w.task_index,
                    'since', w.waiting_since,
                    'until', w.due_at,
                    'assignee', w.assignee,
                    'mine', v_caller.sees_all
                      or coalesce(w.assignee = any (v_caller.assignees), false),
                    'input', w.input
                  )
                  order by w.task_index
                ),
                '[]'
              )
              from (
                select
                  t.task_index,
                  t.waiting_since,
                  t.due_at,
                  t.assignee,
                  case
                    when st.step_type = 'map' then t.input
                    else (
                      select i.input
                      from pgflow.step_inputs i
                      where i.run_id = s.run_id
                        and i.step_slug = s.step_slug
                    )
                  end as input
                from pgflow.step_tasks t
                where st.performed_by = 'approval'
                  and s.status = 'started'
                  and t.run_id = s.run_id
                  and t.step_slug = s.step_slug
                  and t.waiting_since <= now()
                order by t.task_index
                limit 100
              ) w
            )
          )
          order by st.step_index
        )
        from pgflow.step_states s
        join pgflow.steps st
          on st.flow_slug = s.flow_slug
          and st.step_slug = s.step_slug
        where s.run_id = v_run.run_id
      ),
      '[]'
    )
  );
end;
$$;

comment on function pgflow.api_get_run(uuid) is 'A run and its steps for a caller who may read it.';

-- public.get_run: what supabase.rpc('get_run', { run_id }) calls.
create or replace function public.get_run(run_id uuid)
  returns jsonb
  language sql
  stable
  set search_path = ''
as $$
  select pgflow.api_get_run(get_run.run_id);
$$;

comment on function public.get_run(uuid) is
  'A run of the caller''s and its steps as {"run": {…}, "steps": [{…}]}.';
