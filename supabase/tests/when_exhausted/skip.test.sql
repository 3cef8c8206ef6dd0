begin;
select plan(5);
select pgflow_tests.reset_db();
select pgflow.create_flow('f', max_attempts => 2, base_delay => 0);
select pgflow.add_step('f', 'risky', when_exhausted => 'skip');
select pgflow.add_step('f', 'next', array['risky']);
select pgflow.start_flow('f', '1', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow_tests.poll_and_fail('f');
select results_eq(
  $$ select status from pgflow.step_states where step_slug = 'risky' $$, $$ values ('started') $$,
  'a failure that is retried skips nothing'
);
select pgflow_tests.poll_and_fail('f');

select results_eq(
  $$ select s.step_slug, s.status, s.skip_reason, s.error_message, t.status, t.error_message, s.remaining_tasks
     from pgflow.step_states s join pgflow.step_tasks t using (run_id, step_slug) order by 1 $$,
  $$ values ('next', 'started', null::text, null::text, 'queued', null::text, 1),
            ('risky', 'skipped', 'handler_failed', 'risky failed', 'failed', 'risky failed', 1) $$,
  'the step is skipped alone, its task failed, its dependent starts'
);
select results_eq(
  $$ select step_slug, input from pgflow_tests.poll('f') $$,
  $$ values ('next', '{"run": 1}'::jsonb) $$,
  'without its output'
);
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'next', 0, '"n"');
select results_eq(
  'select status, error_message, output from pgflow.runs',
  $$ values ('completed', null::text, '{"next": "n"}'::jsonb) $$,
  'the run completes'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
