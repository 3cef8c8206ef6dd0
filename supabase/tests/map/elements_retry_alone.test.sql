begin;
select plan(5);
select pgflow_tests.reset_db();
select pgflow.create_flow('f', base_delay => 0, max_attempts => 2);
select pgflow.add_step('f', 'each', step_type => 'map');
select pgflow.start_flow('f', '[1, 2, 3]', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow_tests.poll('f', 3);
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'each', 0, '"one"', 1);
select pgflow.fail_task('10000000-0000-4000-8000-000000000001', 'each', 1, 'again', 1);
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'each', 2, '"three"', 1);

select results_eq(
  $$ select task_index, input, attempt from pgflow_tests.poll('f', 5) $$,
  $$ values (1, '2'::jsonb, 2) $$,
  'only the element that failed is handed out again, with the same input'
);
select results_eq(
  $$ select task_index, status, attempts_count, error_message from pgflow.step_tasks order by task_index $$,
  $$ values (0, 'completed', 1, null::text), (1, 'started', 2, 'again'), (2, 'completed', 1, null) $$,
  'the others keep their state'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken between attempts');
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'each', 1, '"two"', 2);
select results_eq(
  'select status, output from pgflow.runs',
  $$ values ('completed', '{"each": ["one", "two", "three"]}'::jsonb) $$,
  'its output stands in its place'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
