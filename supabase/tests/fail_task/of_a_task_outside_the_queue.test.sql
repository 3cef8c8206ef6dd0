begin;
select plan(3);
select pgflow_tests.reset_db();
select pgflow.create_flow('f', base_delay => 1, max_attempts => 3);
select pgflow.add_step('f', 'a', start_delay => 3600);
select pgflow.start_flow('f', '1', run_id => '10000000-0000-4000-8000-000000000001');

select results_eq(
  $$ select status, attempts_count, error_message
     from pgflow.fail_task('10000000-0000-4000-8000-000000000001', 'a', 0, 'too early') $$,
  $$ values ('queued', 1, 'too early') $$,
  'a task that waits outside the queue can fail'
);
select is_empty('select * from pgflow.broken_invariants', 'it still has a message or a time');

select pgflow_tests.make_due('f');
select pgflow_tests.make_visible('f');
select results_eq(
  $$ select step_slug, attempt from pgflow_tests.poll('f') $$,
  $$ values ('a', 2) $$,
  'and is handed out again when its time has come'
);

select finish();
rollback;
