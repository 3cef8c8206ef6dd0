begin;
select plan(6);
select pgflow_tests.reset_db();
select pgflow.create_flow('f', max_attempts => 1, base_delay => 100);
select pgflow.add_step('f', 'each', step_type => 'map', when_exhausted => 'skip');
select pgflow.add_step('f', 'again', array['each'], step_type => 'map');
select pgflow.add_step('f', 'end', array['each', 'again']);
select pgflow.start_flow('f', '[1, 2, 3, 4]', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow_tests.poll('f', 3);
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'each', 0, '"one"', 1);
select pgflow.fail_task('10000000-0000-4000-8000-000000000001', 'each', 1, 'broke', 1);

select results_eq(
  $$ select task_index, status from pgflow.step_tasks where step_slug = 'each' order by task_index $$,
  $$ values (0, 'completed'), (1, 'failed'), (2, 'cancelled'), (3, 'cancelled') $$,
  'one element that is exhausted ends the whole step, its open tasks are cancelled'
);
select results_eq(
  $$ select step_slug, status, skip_reason, error_message, output from pgflow.step_states order by step_slug $$,
  $$ values ('again', 'completed', null, null, '[]'::jsonb), ('each', 'skipped', 'handler_failed', 'broke', null),
            ('end', 'started', null, null, null) $$,
  'it is skipped, and a map behind it is one over nothing'
);
select results_eq(
  $$ select * from pgflow_tests.queued_steps('f') $$, $$ values ('end', 0) $$, 'its messages left the queue'
);
select results_eq(
  $$ select step_slug, input from pgflow_tests.poll('f') $$,
  $$ values ('end', '{"run": [1, 2, 3, 4], "again": []}'::jsonb) $$,
  'its output is absent'
);
select is_empty(
  $$ select * from pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'each', 2, '3', 1) $$,
  'a late report of a cancelled element changes nothing'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
