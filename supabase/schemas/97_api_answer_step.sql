-- api_complete_step: answer an approval with its output, for a caller it is assigned to.
create or replace function pgflow.api_complete_step(
  run_id uuid,
  step_slug text,
  output jsonb,
  task_index int
)
  returns jsonb
  language plpgsql
  security definer
  set search_path = ''
as $$
begin
  perform pgflow._require_assigned(
    api_complete_step.run_id, api_complete_step.step_slug, api_complete_step.task_index, 'complete'
  );
  perform pgflow._check_api_value(
    api_complete_step.output,
    format('complete step "%s"', api_complete_step.step_slug)
  );

  return pgflow._task_json(t)
  from pgflow.complete_step(
    api_complete_step.run_id,
    api_complete_step.step_slug,
    api_complete_step.output,
    api_complete_step.task_index
  ) t;
end;
$$;

comment on function pgflow.api_complete_step(uuid, text, jsonb, int) is
  'Answers an approval with its output, for a caller it is assigned to.';

-- public.complete_step: what supabase.rpc('complete_step', { run_id, step_slug, output }) calls.
create or replace function public.complete_step(
  run_id uuid,
  step_slug text,
  output jsonb default 'null',
  task_index int default 0
)
  returns jsonb
  language sql
  set search_path = ''
as $$
  select pgflow.api_complete_step(
    complete_step.run_id, complete_step.step_slug, complete_step.output, complete_step.task_index
  );
$$;

comment on function public.complete_step(uuid, text, jsonb, int) is
  'Answers an approval that is assigned to the caller with its output.';

-- api_fail_step: answer an approval with an error, for a caller it is assigned to.
create or replace function pgflow.api_fail_step(
  run_id uuid,
  step_slug text,
  error_message text,
  task_index int
)
  returns jsonb
  language plpgsql
  security definer
  set search_path = ''
as $$
begin
  perform pgflow._require_assigned(
    api_fail_step.run_id, api_fail_step.step_slug, api_fail_step.task_index, 'fail'
  );

  return pgflow._task_json(t)
  from pgflow.fail_step(
    api_fail_step.run_id,
    api_fail_step.step_slug,
    left(api_fail_step.error_message, 8000),
    api_fail_step.task_index
  ) t;
end;
$$;

comment on function pgflow.api_fail_step(uuid, text, text, int) is
  'Answers an approval with an error, for a caller it is assigned to.';

-- public.fail_step: what supabase.rpc('fail_step', { run_id, step_slug, error_message }) calls.
create or replace function public.fail_step(
  run_id uuid,
  step_slug text,
  error_message text default null,
  task_index int default 0
)
  returns jsonb
  language sql
  set search_path = ''
as $$
  select pgflow.api_fail_step(
    fail_step.run_id, fail_step.step_slug, fail_step.error_message, fail_step.task_index
  );
$$;

comment on function public.fail_step(uuid, text, text, int) is
  'Answers an approval that is assigned to the caller with an error.';

-- _require_assigned: raise unless the caller may answer an approval.
--
-- To callers who may not read the run either it does not exist. A task keeps its assignee for good,
-- so one who answers a little too late learns that.
create or replace function pgflow._require_assigned(
  run_id uuid,
  step_slug text,
  task_index int,
  verb text
)
  returns void
  language plpgsql
  stable
  set search_path = ''
as $$
declare
  v_caller pgflow.caller := pgflow._caller();
  v_is_approval boolean;
begin
  if exists (
    select
    from pgflow.step_tasks t
    where t.run_id = _require_assigned.run_id
      and t.step_slug = _require_assigned.step_slug
      and t.task_index = _require_assigned.task_index
      and t.assignee = any (v_caller.assignees)
  ) then
    return;
  end if;

  select exists (
    select
    from pgflow.step_tasks t
    join pgflow.steps st
      on st.flow_slug = t.flow_slug
      and st.step_slug = t.step_slug
    where t.run_id = r.run_id
      and t.step_slug = _require_assigned.step_slug
      and t.task_index = _require_assigned.task_index
      and st.performed_by = 'approval'
  )
  into v_is_approval
  from pgflow.runs r
  where r.run_id = _require_assigned.run_id
    and (v_caller.sees_all or r.owner = v_caller.user_id);

  if not found then
    raise exception using
      errcode = 'PF005',
      message = format(
        'Cannot %s step "%s": run "%s" does not exist',
        _require_assigned.verb,
        _require_assigned.step_slug,
        _require_assigned.run_id
      ),
      hint = 'A run of somebody else looks the same, unless the step is assigned to you.';
  end if;

  -- A step that is no approval, or none yet, says so itself.
  if v_is_approval and not v_caller.sees_all then
    raise exception using
      errcode = 'PF014',
      message = format(
        'Cannot %s step "%s": it is assigned to somebody else',
        _require_assigned.verb,
        _require_assigned.step_slug
      ),
      hint = 'The approval''s option assignee says who may answer, besides the server.';
  end if;
end;
$$;

-- _task_json: what a client may see of a task.
create or replace function pgflow._task_json(task pgflow.step_tasks)
  returns jsonb
  language sql
  immutable
  set search_path = ''
as $$
  select jsonb_build_object(
    'run_id', (task).run_id,
    'flow_slug', (task).flow_slug,
    'step_slug', (task).step_slug,
    'task_index', (task).task_index,
    'status', (task).status,
    'output', (task).output,
    'error_message', (task).error_message,
    'completed_at', (task).completed_at,
    'failed_at', (task).failed_at
  );
$$;
