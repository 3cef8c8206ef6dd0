-- get_run_with_states: a run and its steps as one JSON object, for people and clients.
--
-- {"run": {…}, "steps": [{…}]}: the columns of both tables, steps in the order of their definition,
-- with each single step's output in its place and every failed attempt. Null for an unknown run.
create or replace function pgflow.get_run_with_states(run_id uuid)
  returns jsonb
  language sql
  stable
  set search_path = ''
as $$
  select jsonb_build_object(
    'run', to_jsonb(r),
    'steps', coalesce(
      (
        select jsonb_agg(
          to_jsonb(s) || jsonb_build_object(
            'output', coalesce(s.output, t.output),
            'failures', coalesce(
              (
                select jsonb_agg(
                  jsonb_build_object(
                    'task_index', f.task_index,
                    'attempt', f.attempt,
                    'error_message', f.error_message,
                    'failed_at', f.failed_at
                  )
                  order by f.task_index, f.attempt
                )
                from pgflow.task_failures f
                where f.run_id = s.run_id
                  and f.step_slug = s.step_slug
              ),
              '[]'
            )
          )
          order by st.step_index
        )
        from pgflow.step_states s
        join pgflow.steps st
          on st.flow_slug = s.flow_slug
          and st.step_slug = s.step_slug
        left join pgflow.step_tasks t
          on t.run_id = s.run_id
          and t.step_slug = s.step_slug
          and t.task_index = 0
          and st.step_type = 'single'
        where s.run_id = r.run_id
      ),
      '[]'
    )
  )
  from pgflow.runs r
  where r.run_id = get_run_with_states.run_id;
$$;

comment on function pgflow.get_run_with_states(uuid) is
  'A run and its steps as {"run": {…}, "steps": [{…}]}, or null if there is no such run.';

-- start_flow_with_states: start a run that may be watched, and return it with its steps.
create or replace function pgflow.start_flow_with_states(
  flow_slug text,
  input jsonb,
  run_id uuid default null
)
  returns jsonb
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_run pgflow.runs;
begin
  v_run.run_id := start_flow_with_states.run_id;
  v_run.input := coalesce(start_flow_with_states.input, 'null');
  v_run.broadcast := true;

  select r.* into v_run
  from pgflow._start_run(start_flow_with_states.flow_slug, v_run) r;

  return pgflow.get_run_with_states(v_run.run_id);
end;
$$;

comment on function pgflow.start_flow_with_states(text, jsonb, uuid) is
  'Starts a run whose events are broadcast, and returns it as get_run_with_states does.';
