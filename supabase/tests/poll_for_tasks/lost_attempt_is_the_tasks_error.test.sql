begin;
select plan(2);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('single');
select pgflow.start_flow('single', '1', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow_tests.poll('single');
select pgflow_tests.make_visible('single');
select pgflow_tests.poll('single');

select results_eq(
  $$ select status, attempts_count, error_message from pgflow.step_tasks $$,
  $$ values ('started', 2, '[lost worker] attempt 1 was never reported') $$,
  'every failed attempt writes error_message, a lost one too'
);
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'only', 0, '1', 2);
select results_eq(
  $$ select status, error_message from pgflow.step_tasks $$,
  $$ values ('completed', null::text) $$,
  'completion clears it'
);

select finish();
rollback;
