begin;
select plan(4);
select pgflow_tests.reset_db();
select pgflow.create_flow('f', base_delay => 0);
select pgflow.add_step('f', 'a');
select pgflow.start_flow('f', '1', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow_tests.poll_and_fail('f');
select pgflow_tests.poll('f');

select is_empty(
  $$ select * from pgflow.fail_task('10000000-0000-4000-8000-000000000001', 'a', 0, 'late', 1)
     union all
     select * from pgflow.fail_task('10000000-0000-4000-8000-000000000001', 'a', 0, 'late', 1, permanent => true)
     union all
     select * from pgflow.fail_task('10000000-0000-4000-8000-000000000001', 'a', 0, 'early', 3)
     union all
     select * from pgflow.fail_task('10000000-0000-4000-8000-000000000001', 'b', 0, 'nowhere')
     union all
     select * from pgflow.fail_task('10000000-0000-4000-8000-00000000000f', 'a', 0, 'nowhere') $$,
  'only the open attempt of a task that exists may fail'
);
select results_eq(
  $$ select status, attempts_count, error_message from pgflow.step_tasks $$,
  $$ values ('started', 2, 'a failed') $$,
  'the task is as it was'
);
select results_eq(
  $$ select attempt, error_message from pgflow.task_failures $$,
  $$ values (1, 'a failed') $$,
  'and so are its failures'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
