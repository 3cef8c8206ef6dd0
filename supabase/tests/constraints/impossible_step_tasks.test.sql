begin;
select plan(19);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('single');
select pgflow.start_flow('single', '1', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow_tests.poll('single');
create function pg_temp.refused(change text, constraint_name text, description text) returns text language sql as $$
  select throws_ok(
    format('update pgflow.step_tasks set %s where true', change), '23514',
    format('new row for relation "step_tasks" violates check constraint "%s"', constraint_name), description
  );
$$;

select pg_temp.refused($$status = 'paused', open_attempt = null$$, 'status_is_known', 'an unknown status');
select pg_temp.refused('attempts_forgiven = 2', 'attempts_are_counted', 'more attempts forgiven than made');
select pg_temp.refused('attempts_forgiven = -1', 'attempts_are_counted', 'less than none forgiven');
select pg_temp.refused('open_attempt = 7', 'open_attempt_is_the_last', 'an open attempt that is not the last');
select pg_temp.refused(
  $$status = 'failed', failed_at = now()$$, 'open_attempt_belongs_to_open_task', 'an open attempt of an ended task'
);
select pg_temp.refused('started_at = null', 'started_task_has_time', 'started without a time');
select pg_temp.refused(
  $$status = 'completed', output = '1', open_attempt = null$$, 'completed_task_has_time', 'completed without a time'
);
select pg_temp.refused('completed_at = now()', 'completed_task_has_time', 'a time of completion without it');
select pg_temp.refused(
  $$status = 'completed', completed_at = now(), open_attempt = null$$, 'completed_task_has_output', 'completed without an output'
);
select pg_temp.refused($$output = '1'$$, 'completed_task_has_output', 'an output before completion');
select pg_temp.refused($$status = 'failed', open_attempt = null$$, 'failed_task_has_time', 'failed without a time');
select pg_temp.refused('failed_at = now()', 'failed_task_has_time', 'a time of failure without it');
select pg_temp.refused($$status = 'cancelled', open_attempt = null$$, 'cancelled_task_has_time', 'cancelled without a time');
select pg_temp.refused('cancelled_at = now()', 'cancelled_task_has_time', 'a time of cancelling without it');
select pg_temp.refused('due_at = now()', 'due_task_is_open', 'a due time of a task that has started');
select pg_temp.refused('waiting_since = now()', 'waiting_since_belongs_to_waiting_task', 'an approval that waits and is started');
select throws_ok(
  $$ insert into pgflow.step_tasks (flow_slug, run_id, step_slug)
     values ('single', '10000000-0000-4000-8000-000000000001', 'nowhere') $$, '23503',
  'insert or update on table "step_tasks" violates foreign key constraint "step_tasks_run_id_step_slug_fkey"',
  'an unknown step'
);
select throws_ok(
  $$ insert into pgflow.step_tasks (flow_slug, run_id, step_slug)
     values ('single', '10000000-0000-4000-8000-000000000001', 'only') $$, '23505',
  'duplicate key value violates unique constraint "step_tasks_pkey"',
  'the same task twice'
);
select throws_ok(
  $$ insert into pgflow.task_failures (run_id, step_slug, task_index, attempt)
     values ('10000000-0000-4000-8000-000000000001', 'only', 9, 1) $$, '23503',
  'insert or update on table "task_failures" violates foreign key constraint "task_failures_task_fkey"',
  'a failure of an unknown task'
);

select finish();
rollback;
