begin;
select plan(8);
select pgflow_tests.reset_db();
select pgflow.create_flow('hook');
select pgflow.add_step('hook', 'tell');
select pgflow.create_flow('f', max_attempts => 1, on_failure_slug => 'hook');
select pgflow.add_step('f', 'a');
select pgflow.add_step('f', 'b', '{a}');
select pgflow.start_flow('f', '{"order": 7}', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow.start_flow('f', '{"order": 8}', run_id => '10000000-0000-4000-8000-000000000002');

select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'a', 0, '1');
select pgflow.cancel_run('10000000-0000-4000-8000-000000000002');
select is_empty($$ select from pgflow.runs where flow_slug = 'hook' $$, 'a run that goes on or is cancelled starts no hook');

select pgflow.fail_task('10000000-0000-4000-8000-000000000001', 'b', 0, 'no such card');
select results_eq(
  $$ select input, status, parent_run_id from pgflow.runs where flow_slug = 'hook' $$,
  $$ values (
    '{"run_id": "10000000-0000-4000-8000-000000000001", "flow_slug": "f", "input": {"order": 7},
      "step_slug": "b", "error_message": "Step \"b\" failed: no such card"}'::jsonb,
    'started', null::uuid
  ) $$,
  'a failed one starts it with the run, the step and the error, as a run of its own'
);
select results_eq(
  $$ select step_slug from pgflow_tests.queued_steps('hook') $$, $$ values ('tell') $$, 'its task is queued'
);

select pgflow.fail_task('10000000-0000-4000-8000-000000000001', 'b', 0, 'again');
select is((select count(*)::int from pgflow.runs where flow_slug = 'hook'), 1, 'a late report starts no second one');

select pgflow.retry_run('10000000-0000-4000-8000-000000000001');
select pgflow_tests.make_due('f');
select pgflow_tests.poll_and_fail('f');
select is((select count(*)::int from pgflow.runs where flow_slug = 'hook'), 2, 'a run that fails again does');

select pgflow_tests.poll_and_fail('hook', 2);
select is(
  (select count(*)::int from pgflow.runs where flow_slug = 'hook' and status = 'started'), 2,
  'the hook''s task is retried like any'
);

update pgflow.flows set on_failure_slug = 'nobody_knows' where flow_slug = 'f';
select pgflow.start_flow('f', '1', run_id => '10000000-0000-4000-8000-000000000003');
select pgflow.fail_task('10000000-0000-4000-8000-000000000003', 'a', 0, 'no');
select is(
  (select status from pgflow.runs where run_id = '10000000-0000-4000-8000-000000000003'), 'failed',
  'a hook that does not exist keeps no run from failing'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
