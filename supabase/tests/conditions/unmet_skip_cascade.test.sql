begin;
select plan(4);
select pgflow_tests.reset_db();
select pgflow.create_flow('f');
select pgflow.add_step('f', 'root');
select pgflow.add_step('f', 'gate', array['root'], required_input_pattern => '{"root": {"open": true}}');
select pgflow.add_step('f', 'behind', array['gate']);
select pgflow.add_step('f', 'beside', array['root']);
select pgflow.add_step('f', 'join', array['behind', 'beside']);
select pgflow.add_step('f', 'further', array['join', 'gate']);
select pgflow.start_flow('f', '1', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'root', 0, '{"open": false}');

select results_eq(
  $$ select step_slug, status, skip_reason, skipped_at is not null, started_at is not null
     from pgflow.step_states order by step_slug $$,
  $$ values ('behind', 'skipped', 'dependency_skipped', true, false),
            ('beside', 'started', null, false, true),
            ('further', 'skipped', 'dependency_skipped', true, false),
            ('gate', 'skipped', 'condition_unmet', true, false),
            ('join', 'skipped', 'dependency_skipped', true, false),
            ('root', 'completed', null, false, true) $$,
  'the step and everything that depends on it are skipped, however deep'
);
select results_eq(
  'select status, remaining_steps from pgflow.runs', $$ values ('started', 1) $$,
  'the run goes on with what is left'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken in the middle');
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'beside', 0, '"b"');
select results_eq(
  'select status, remaining_steps, output from pgflow.runs',
  $$ values ('completed', 0, '{}'::jsonb) $$,
  'and completes; beside has a dependent and is no output'
);

select finish();
rollback;
