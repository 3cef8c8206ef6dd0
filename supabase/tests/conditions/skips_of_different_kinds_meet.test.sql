begin;
select plan(3);
select pgflow_tests.reset_db();
select pgflow.create_flow('f');
select pgflow.add_step('f', 'root');
select pgflow.add_step('f', 'alone', array['root'], required_input_pattern => '{"x": 1}', when_unmet => 'skip');
select pgflow.add_step('f', 'all', array['root'], required_input_pattern => '{"x": 1}');
select pgflow.add_step('f', 'empty', array['root'], step_type => 'map');
select pgflow.add_step('f', 'after_alone', array['alone', 'empty']);
select pgflow.add_step('f', 'after_both', array['alone', 'all']);
select pgflow.add_step('f', 'end', array['after_alone', 'after_both', 'empty']);
select pgflow.start_flow('f', '1', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'root', 0, '[]');

select results_eq(
  $$ select step_slug, status, skip_reason from pgflow.step_states order by step_slug $$,
  $$ values ('after_alone', 'started', null), ('after_both', 'skipped', 'dependency_skipped'),
            ('all', 'skipped', 'condition_unmet'), ('alone', 'skipped', 'condition_unmet'),
            ('empty', 'completed', null), ('end', 'skipped', 'dependency_skipped'), ('root', 'completed', null) $$,
  'a cascade wins over a skip alone, whatever else a step waits for'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken in the middle');
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'after_alone', 0, '1');
select results_eq(
  'select status, remaining_steps, output from pgflow.runs', $$ values ('completed', 0, '{}'::jsonb) $$, 'the run completes'
);

select finish();
rollback;
