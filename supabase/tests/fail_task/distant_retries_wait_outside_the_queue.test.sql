begin;
select plan(9);
select pgflow_tests.reset_db();
select pgflow.create_flow('f', base_delay => 40, max_attempts => 5);
select pgflow.add_step('f', 'a');
select pgflow.start_flow('f', '1', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow_tests.poll_and_fail('f');

select results_eq(
  $$ select status, message_id, attempts_count, round(extract(epoch from due_at - clock_timestamp()))::int
     from pgflow.step_tasks $$,
  $$ values ('queued', null::bigint, 1, 80) $$,
  'a retry more than a minute away is a due row'
);
select is_empty($$ select * from pgflow_tests.queued_steps('f') $$, 'not a message');
select is_empty($$ select * from pgflow_tests.poll('f') $$, 'a poll before its time gets nothing');
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken while it waits');

select pgflow_tests.make_due('f');
select results_eq(
  $$ select step_slug, attempt from pgflow_tests.poll('f') $$,
  $$ values ('a', 2) $$,
  'a poll after its time gets the next attempt'
);
select results_eq(
  $$ select t.status, t.due_at, t.message_id = q.msg_id from pgflow.step_tasks t cross join pgmq.q_f q $$,
  $$ values ('started', null::timestamptz, true) $$,
  'it has a message again'
);
select pgflow.fail_task('10000000-0000-4000-8000-000000000001', 'a', 0, 'again', 2);
select results_eq(
  $$ select status, output, due_at
     from pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'a', 0, '"by hand"') $$,
  $$ values ('completed', '"by hand"'::jsonb, null::timestamptz) $$,
  'a task that waits outside can be completed'
);
select results_eq(
  'select status from pgflow.runs', $$ values ('completed') $$, 'and its run with it'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
