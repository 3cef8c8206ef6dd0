-- complete_step: answer an approval with its output.
--
-- The task becomes completed and its run moves on as if a handler had returned. A task that does
-- not wait for an answer is an error: an answer that is lost without a word would be worse.
create or replace function pgflow.complete_step(
  run_id uuid,
  step_slug text,
  output jsonb,
  task_index int default 0
)
  returns setof pgflow.step_tasks
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_child_run_ids uuid[];
  v_watched jsonb;
  v_task pgflow.step_tasks;
begin
  select f.child_run_ids, f.watched
  into v_child_run_ids, v_watched
  from pgflow._lock_families(array[complete_step.run_id]) f;

  v_task := pgflow._require_approval(
    complete_step.run_id, complete_step.step_slug, complete_step.task_index, 'complete'
  );

  update pgflow.step_tasks t
  set
    status = 'completed',
    completed_at = now(),
    output = coalesce(complete_step.output, 'null'),
    error_message = null,
    due_at = null,
    waiting_since = null
  where t.run_id = v_task.run_id
    and t.step_slug = v_task.step_slug
    and t.task_index = v_task.task_index
  returning * into v_task;

  perform pgflow._settle_completions(array[pgflow._to_settled_task(v_task, 'completed')]);
  perform pgflow._settle_parents(v_child_run_ids);
  perform pgflow._wake_workers_of_run(v_task.run_id);

  if v_watched is not null then
    perform pgflow._send_events(v_watched);
  end if;

  return next v_task;
end;
$$;

comment on function pgflow.complete_step(uuid, text, jsonb, int) is
  'Answers an approval with its output and returns its task; an error if it does not wait for one.';

-- _require_approval: the task of an approval that waits for its answer, or an error that says why
-- not.
create or replace function pgflow._require_approval(
  run_id uuid,
  step_slug text,
  task_index int,
  verb text
)
  returns pgflow.step_tasks
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_task pgflow.step_tasks;
  v_state text;
begin
  select t.* into v_task
  from pgflow.step_tasks t
  join pgflow.steps st
    on st.flow_slug = t.flow_slug
    and st.step_slug = t.step_slug
  where t.run_id = _require_approval.run_id
    and t.step_slug = _require_approval.step_slug
    and t.task_index = _require_approval.task_index
    and t.status = 'waiting'
    and st.performed_by = 'approval';

  if found then
    return v_task;
  end if;

  select format('it is %s', coalesce(t.status, s.status)) into v_state
  from pgflow.step_states s
  left join pgflow.step_tasks t
    on t.run_id = s.run_id
    and t.step_slug = s.step_slug
    and t.task_index = _require_approval.task_index
  where s.run_id = _require_approval.run_id
    and s.step_slug = _require_approval.step_slug;

  raise exception using
    errcode = 'PF009',
    message = format(
      'Cannot %s step "%s": it does not wait for an answer, %s',
      _require_approval.verb,
      _require_approval.step_slug,
      coalesce(v_state, 'there is no such step or run')
    ),
    hint = 'Only a started approval step waits, until it is answered or its time ends.';
end;
$$;

-- _to_settled_task: what became of a task, in the form the settling functions pass on.
create or replace function pgflow._to_settled_task(task pgflow.step_tasks, outcome text)
  returns pgflow.settled_task
  language sql
  immutable
  set search_path = ''
as $$
  select row(
    (task).flow_slug, (task).run_id, (task).step_slug, (task).task_index, (task).message_id,
    outcome, 0, (task).error_message, (task).attempts_count, (task).last_worker_id
  )::pgflow.settled_task;
$$;
