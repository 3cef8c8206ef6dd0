begin;
select plan(3);
select pgflow_tests.reset_db();
select pgflow.create_flow('f', max_attempts => 1);
select pgflow.add_step('f', 'each', step_type => 'map');
select pgflow.start_flow('f', '[1, 2, 3]', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow_tests.poll('f', 2);
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'each', 0, '"one"', 1);
select pgflow.fail_task('10000000-0000-4000-8000-000000000001', 'each', 1, 'no', 1);

select results_eq(
  $$ select r.status, r.error_message, s.status, s.remaining_tasks, s.output
     from pgflow.runs r join pgflow.step_states s using (run_id) $$,
  $$ values ('failed', 'Step "each" failed: no', 'failed', 2, null::jsonb) $$,
  'one element that fails for good fails step and run'
);
select results_eq(
  $$ select task_index, status from pgflow.step_tasks order by task_index $$,
  $$ values (0, 'completed'), (1, 'failed'), (2, 'cancelled') $$,
  'elements that are open are cancelled, completed ones kept'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
