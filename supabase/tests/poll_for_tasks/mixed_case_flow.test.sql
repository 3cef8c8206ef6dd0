begin;
select plan(6);
select pgflow_tests.reset_db();
select pgflow.create_flow('GreetUser', base_delay => 1);
select pgflow.add_step('GreetUser', 'Hello', timeout => 10);
select pgflow.start_flow('GreetUser', '1', run_id => '10000000-0000-4000-8000-000000000001');

select results_eq(
  $$ select flow_slug, step_slug, attempt from pgflow_tests.poll('GreetUser') $$,
  $$ values ('GreetUser', 'Hello', 1) $$,
  'a flow with capitals is polled by its slug'
);
select results_eq(
  $$ select seconds from pgflow_tests.seconds_hidden('GreetUser') $$,
  $$ values (12) $$,
  'its messages are hidden'
);
select pgflow.fail_task('10000000-0000-4000-8000-000000000001', 'Hello', 0, 'once', 1);
select results_eq(
  $$ select seconds from pgflow_tests.seconds_hidden('GreetUser') $$,
  $$ values (2) $$,
  'delayed'
);
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'Hello', 0, '"hi"');
select is_empty($$ select * from pgflow_tests.queued_steps('GreetUser') $$, 'and archived');
select results_eq(
  $$ select flow_slug, status, output from pgflow.runs $$,
  $$ values ('GreetUser', 'completed', '{"Hello": "hi"}'::jsonb) $$,
  'the run completes'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
