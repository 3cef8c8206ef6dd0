begin;
select plan(4);
select pgflow_tests.reset_db();
select pgflow.create_flow('f');
select pgflow.add_step('f', 'maybe', required_input_pattern => '{"on": true}', when_unmet => 'skip');
select pgflow.add_step('f', 'each', array['maybe'], step_type => 'map');
select pgflow.add_step('f', 'maybe_map', required_input_pattern => '{"on": true}', when_unmet => 'skip');
select pgflow.add_step('f', 'again', array['each'], step_type => 'map');
select pgflow.add_step('f', 'end', array['again', 'maybe_map', 'maybe']);
select pgflow.start_flow('f', '{}', run_id => '10000000-0000-4000-8000-000000000001');

select results_eq(
  $$ select step_slug, status, skip_reason, initial_tasks, output from pgflow.step_states order by step_slug $$,
  $$ values ('again', 'completed', null, 0, '[]'::jsonb), ('each', 'completed', null, 0, '[]'),
            ('end', 'started', null, 1, null), ('maybe', 'skipped', 'condition_unmet', 1, null),
            ('maybe_map', 'skipped', 'condition_unmet', 1, null) $$,
  'a map whose dependency was skipped counts as one over an empty array'
);
select results_eq(
  $$ select step_slug, input from pgflow_tests.poll('f') $$,
  $$ values ('end', '{"run": {}, "again": []}'::jsonb) $$,
  'and hands on that array; skipped outputs are absent'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select pgflow.create_flow('g');
select pgflow.add_step('g', 'each', step_type => 'map', required_input_pattern => '{}', when_unmet => 'skip');
select pgflow.add_step('g', 'again', array['each'], step_type => 'map');
select results_eq(
  $$ select status, output from pgflow.start_flow('g', '[1, 2]') $$,
  $$ values ('completed', '{"again": []}'::jsonb) $$,
  'a skipped map too'
);

select finish();
rollback;
