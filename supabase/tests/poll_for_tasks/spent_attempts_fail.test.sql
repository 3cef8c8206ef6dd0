begin;
select plan(6);
select pgflow_tests.reset_db();
select pgflow.create_flow('f', max_attempts => 2);
select pgflow.add_step('f', 'a');
select pgflow.add_step('f', 'b', array['a']);
select pgflow.start_flow('f', '1');
select pgflow_tests.poll('f');
select pgflow_tests.make_visible('f');
select pgflow_tests.poll('f');
select pgflow_tests.make_visible('f');

select is_empty($$ select * from pgflow_tests.poll('f') $$, 'a task with spent attempts is not handed out');
select results_eq(
  $$ select step_slug, status, attempts_count, error_message, failed_at is not null from pgflow.step_tasks $$,
  $$ values ('a', 'failed', 2, '[lost worker] attempt 2 was never reported', true) $$,
  'it failed'
);
select results_eq(
  $$ select attempt, error_message, worker_id from pgflow.task_failures order by attempt $$,
  $$ values (1, '[lost worker] attempt 1 was never reported', '00000000-0000-4000-8000-000000000001'::uuid),
            (2, '[lost worker] attempt 2 was never reported', '00000000-0000-4000-8000-000000000001'::uuid) $$,
  'both attempts are failures'
);
select results_eq(
  $$ select r.status, r.error_message, s.step_slug, s.status
     from pgflow.runs r join pgflow.step_states s using (run_id) order by s.step_slug $$,
  $$ values ('failed', 'Step "a" failed: [lost worker] attempt 2 was never reported', 'a', 'failed'),
            ('failed', 'Step "a" failed: [lost worker] attempt 2 was never reported', 'b', 'cancelled') $$,
  'and with it its step and run'
);
select is_empty($$ select * from pgflow_tests.queued_steps('f') $$, 'its message left the queue');
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
