begin;
select plan(4);
select pgflow_tests.reset_db();
select pgflow.create_flow('f', max_attempts => 1);
select pgflow.add_step('f', 'later', start_delay => 600);
select pgflow.add_step('f', 'bad');
select pgflow.start_flow('f', '1', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow.fail_task('10000000-0000-4000-8000-000000000001', 'bad', 0, 'no');

select results_eq(
  $$ select step_slug, status, due_at from pgflow.step_tasks order by step_slug $$,
  $$ values ('bad', 'failed', null::timestamptz), ('later', 'cancelled', null) $$,
  'a task that waits is cancelled with its run'
);
select pgflow_tests.make_due('f');
select is_empty($$ select * from pgflow_tests.poll('f', 5) $$, 'and never enters the queue');
select is_empty($$ select * from pgflow_tests.queued_steps('f') $$, 'the queue stays empty');
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
