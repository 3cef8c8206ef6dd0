begin;
select plan(4);
select pgflow_tests.reset_db();
select pgflow.create_flow('f', max_attempts => 1);
select pgflow.add_step('f', 'risky', when_exhausted => 'skip');
select pgflow.add_step('f', 'bad', array['risky']);
select pgflow.add_step('f', 'gate', array['bad'], required_input_pattern => '{"bad": "open"}');
select pgflow.add_step('f', 'behind', array['gate']);
select pgflow.start_flow('f', '1', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow.fail_task('10000000-0000-4000-8000-000000000001', 'risky', 0, 'no');
select pgflow.fail_task('10000000-0000-4000-8000-000000000001', 'bad', 0, 'no');
select pgflow.retry_run('10000000-0000-4000-8000-000000000001');

select results_eq(
  $$ select step_slug, status, remaining_deps from pgflow.step_states order by step_slug $$,
  $$ values ('bad', 'started', 0), ('behind', 'created', 1), ('gate', 'created', 1), ('risky', 'skipped', 0) $$,
  'a step that was skipped stays so'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken in the middle');
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'bad', 0, '"shut"');
select results_eq(
  $$ select step_slug, status, skip_reason from pgflow.step_states where status = 'skipped' order by step_slug $$,
  $$ values ('behind', 'skipped', 'dependency_skipped'), ('gate', 'skipped', 'condition_unmet'),
            ('risky', 'skipped', 'handler_failed') $$,
  'conditions look at the new outputs'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
