begin;
select plan(4);
select pgflow_tests.reset_db();
select pgflow.create_flow('f', max_attempts => 1);
select pgflow.add_step('f', 'risky', when_exhausted => 'skip-cascade');
select pgflow.add_step('f', 'next', array['risky']);
select pgflow.add_step('f', 'last', array['next']);
select pgflow.add_step('f', 'other');
select pgflow.start_flow('f', '1', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'other', 0, '"o"');
select pgflow_tests.poll('f');

select results_eq(
  $$ select step_slug, status from pgflow.fail_task('10000000-0000-4000-8000-000000000001', 'risky', 0, 'broke', 1) $$,
  $$ values ('risky', 'failed') $$,
  'the task failed'
);
select results_eq(
  $$ select step_slug, status, skip_reason from pgflow.step_states order by step_slug $$,
  $$ values ('last', 'skipped', 'dependency_skipped'), ('next', 'skipped', 'dependency_skipped'),
            ('other', 'completed', null), ('risky', 'skipped', 'handler_failed') $$,
  'the step and everything behind it are skipped'
);
select results_eq(
  'select status, remaining_steps, output from pgflow.runs',
  $$ values ('completed', 0, '{"other": "o"}'::jsonb) $$,
  'a run with nothing left completes'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
