begin;
select plan(4);
select pgflow_tests.reset_db();
select pgflow.create_flow('none', max_attempts => 0);
select pgflow.add_step('none', 'a');
select pgflow.start_flow('none', '1');

select results_eq(
  $$ select step_slug, attempt from pgflow_tests.poll('none') $$,
  $$ values ('a', 1) $$,
  'max_attempts 0 behaves as 1: the first attempt is handed out'
);
select pgflow_tests.make_visible('none');
select is_empty($$ select * from pgflow_tests.poll('none') $$, 'the second is not');
select results_eq(
  $$ select status, attempts_count from pgflow.step_tasks $$,
  $$ values ('failed', 1) $$,
  'the task failed'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
