begin;
select plan(4);
select pgflow_tests.reset_db();
select pgflow.create_flow('f', max_attempts => 2, base_delay => 1);
select pgflow.add_step('f', 'a');
select pgflow.start_flow('f', '1', run_id => '10000000-0000-4000-8000-000000000001');

select results_eq(
  $$ select status, attempts_count, error_message
     from pgflow.fail_task('10000000-0000-4000-8000-000000000001', 'a', 0, 'first') $$,
  $$ values ('queued', 1, 'first') $$,
  'a task nobody polled can fail: that is its first attempt'
);
select results_eq(
  $$ select status, attempts_count, error_message
     from pgflow.fail_task('10000000-0000-4000-8000-000000000001', 'a', 0, 'second') $$,
  $$ values ('failed', 2, 'second') $$,
  'so it cannot fail for ever'
);
select results_eq(
  $$ select attempt, error_message, worker_id from pgflow.task_failures order by attempt $$,
  $$ values (1, 'first', null::uuid), (2, 'second', null) $$,
  'each failure has its row'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
