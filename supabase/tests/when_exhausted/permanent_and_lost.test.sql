begin;
select plan(3);
select pgflow_tests.reset_db();
select pgflow.create_flow('f', max_attempts => 1);
select pgflow.add_step('f', 'only', when_exhausted => 'skip');
select pgflow.start_flow('f', '1', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow.start_flow('f', '2', run_id => '10000000-0000-4000-8000-000000000002');
select pgflow_tests.poll('f', 2);
select pgflow.fail_task('10000000-0000-4000-8000-000000000001', 'only', 0, 'never', 1, permanent => true);
select pgflow_tests.make_visible('f');
select pgflow_tests.poll('f', 2);

select results_eq(
  $$ select right(s.run_id::text, 1), r.status, r.output, s.status, s.skip_reason, s.error_message
     from pgflow.step_states s join pgflow.runs r using (run_id) order by 1 $$,
  $$ values ('1', 'completed', '{}'::jsonb, 'skipped', 'handler_failed', 'never'),
            ('2', 'completed', '{}', 'skipped', 'handler_failed', '[lost worker] attempt 1 was never reported') $$,
  'a permanent failure and a lost last attempt are exhausted as well'
);
select is_empty($$ select * from pgflow_tests.queued_steps('f') $$, 'nothing is left in the queue');
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
