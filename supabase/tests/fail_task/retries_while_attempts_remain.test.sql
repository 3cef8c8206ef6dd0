begin;
select plan(8);
select pgflow_tests.reset_db();
select pgflow.create_flow('f', max_attempts => 2, base_delay => 5);
select pgflow.add_step('f', 'a');
select pgflow.add_step('f', 'b', array['a']);
select pgflow.start_flow('f', '1', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow_tests.poll('f');

select results_eq(
  $$ select step_slug, status, attempts_count, attempts_forgiven, error_message, failed_at, due_at, output
     from pgflow.fail_task('10000000-0000-4000-8000-000000000001', 'a', 0, 'no luck', 1) $$,
  $$ values ('a', 'queued', 1, 0, 'no luck', null::timestamptz, null::timestamptz, null::jsonb) $$,
  'the task goes back to queued with its error'
);
select results_eq(
  $$ select task_index, attempt, error_message, worker_id, failed_at is not null from pgflow.task_failures $$,
  $$ values (0, 1, 'no luck', '00000000-0000-4000-8000-000000000001'::uuid, true) $$,
  'the failure is recorded with its attempt and worker'
);
select results_eq(
  $$ select t.step_slug, h.seconds
     from pgflow_tests.seconds_hidden('f') h join pgflow.step_tasks t on t.message_id = h.msg_id $$,
  $$ values ('a', 10) $$,
  'the same message comes back after the delay'
);
select results_eq(
  $$ select r.status, r.remaining_steps, s.step_slug, s.status, s.remaining_tasks
     from pgflow.runs r join pgflow.step_states s using (run_id) order by s.step_slug $$,
  $$ values ('started', 2, 'a', 'started', 1), ('started', 2, 'b', 'created', 1) $$,
  'step and run go on'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken between attempts');

select pgflow_tests.make_visible('f');
select pgflow_tests.poll('f');
select results_eq(
  $$ select status, attempts_count, error_message, failed_at is not null
     from pgflow.fail_task('10000000-0000-4000-8000-000000000001', 'a', 0, 'no luck again', 2) $$,
  $$ values ('failed', 2, 'no luck again', true) $$,
  'the last attempt fails the task'
);
select results_eq(
  $$ select attempt, error_message from pgflow.task_failures order by attempt $$,
  $$ values (1, 'no luck'), (2, 'no luck again') $$,
  'every failed attempt has its row'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken at the end');

select finish();
rollback;
