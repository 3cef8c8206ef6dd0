begin;
select plan(4);
select pgflow_tests.reset_db();
select pgflow.create_flow('f', max_attempts => 5);
select pgflow.add_step('f', 'a');
select pgflow.start_flow('f', '1');
select pgflow_tests.poll_and_fail('f');
update pgflow.flows set opt_max_attempts = 1 where true;
select pgflow_tests.make_visible('f');

select is_empty($$ select * from pgflow_tests.poll('f') $$, 'a retry beyond the new limit is not handed out');
select results_eq(
  $$ select r.status, t.status, t.attempts_count
     from pgflow.runs r join pgflow.step_tasks t using (run_id) $$,
  $$ values ('failed', 'failed', 1) $$,
  'it ends, without counting an attempt that nobody made'
);
select results_eq(
  $$ select attempt, error_message from pgflow.task_failures $$,
  $$ values (1, 'a failed') $$,
  'the failures are those that happened'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
