begin;
select plan(4);
select pgflow_tests.reset_db();
select pgflow.create_flow('f');
select pgflow.add_step('f', 'left', required_input_pattern => '{"way": "left"}', when_unmet => 'skip');
select pgflow.add_step('f', 'right', required_input_pattern => '{"way": "right"}', when_unmet => 'skip');
select pgflow.add_step('f', 'join', array['left', 'right']);
select pgflow.start_flow('f', '{"way": "right"}', run_id => '10000000-0000-4000-8000-000000000001');

select results_eq(
  $$ select step_slug, status, skip_reason, remaining_deps from pgflow.step_states order by step_slug $$,
  $$ values ('join', 'created', null::text, 1), ('left', 'skipped', 'condition_unmet', 0), ('right', 'started', null, 0) $$,
  'the step alone is skipped, its dependent waits for the other way'
);
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'right', 0, '"r"');
select results_eq(
  $$ select step_slug, input from pgflow_tests.poll('f') $$,
  $$ values ('join', '{"run": {"way": "right"}, "right": "r"}'::jsonb) $$,
  'and runs without the output of the skipped one'
);
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'join', 0, '"j"');
select results_eq(
  'select status, output from pgflow.runs', $$ values ('completed', '{"join": "j"}'::jsonb) $$, 'the run completes'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
