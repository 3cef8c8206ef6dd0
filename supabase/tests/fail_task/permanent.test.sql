begin;
select plan(3);
select pgflow_tests.reset_db();
select pgflow.create_flow('f', max_attempts => 10);
select pgflow.add_step('f', 'a');
select pgflow.start_flow('f', '1', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow_tests.poll('f');

select results_eq(
  $$ select status, attempts_count, error_message
     from pgflow.fail_task(
       run_id => '10000000-0000-4000-8000-000000000001', step_slug => 'a', task_index => 0,
       error_message => 'never', attempt => 1, permanent => true
     ) $$,
  $$ values ('failed', 1, 'never') $$,
  'a permanent failure is not retried'
);
select results_eq(
  $$ select r.status, f.attempt, f.error_message from pgflow.runs r join pgflow.task_failures f using (run_id) $$,
  $$ values ('failed', 1, 'never') $$,
  'the run failed'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
