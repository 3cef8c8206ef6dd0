begin;
select plan(2);
select pgflow_tests.reset_db();
select pgflow.create_flow('f', max_attempts => 1, base_delay => 0);
select pgflow.add_step('f', 'a', max_attempts => 3);
select pgflow.start_flow('f', '1');
select pgflow_tests.poll_and_fail('f') from generate_series(1, 5);

select results_eq(
  $$ select status, attempts_count, (select count(*)::int from pgflow.task_failures) from pgflow.step_tasks $$,
  $$ values ('failed', 3, 3) $$,
  'a step''s own max_attempts wins over the flow''s'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
