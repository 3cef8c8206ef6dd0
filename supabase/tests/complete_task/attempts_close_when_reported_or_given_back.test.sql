begin;
select plan(6);
select pgflow_tests.reset_db();
select pgflow.create_flow('f', base_delay => 0);
select pgflow.add_step('f', 'a');
select pgflow.start_flow('f', '1', run_id => '10000000-0000-4000-8000-000000000001');

select pgflow_tests.poll_and_fail('f');
select is_empty(
  $$ select * from pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'a', 0, '1', 1) $$,
  'an attempt that failed is closed'
);
select pgflow_tests.poll('f');
select pgflow.settle_tasks(
  '[{"run_id": "10000000-0000-4000-8000-000000000001", "step_slug": "a", "task_index": 0, "attempt": 2, "release": true}]'
);
select is_empty(
  $$ select * from pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'a', 0, '1', 2) $$,
  'an attempt that was given back is closed'
);
select pgflow_tests.poll('f');
select pgflow_tests.make_visible('f');
select results_eq(
  $$ select attempt from pgflow_tests.poll('f') $$, $$ values (4) $$,
  'a number never recurs'
);
select is_empty(
  $$ select * from pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'a', 0, '1', 3) $$,
  'an attempt that was replaced is closed'
);
select results_eq(
  $$ select status, attempts_count, attempts_forgiven, output, error_message
     from pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'a', 0, '"four"', 4) $$,
  $$ values ('completed', 4, 1, '"four"'::jsonb, null::text) $$,
  'the open one reports, and the error of an earlier one is cleared'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
