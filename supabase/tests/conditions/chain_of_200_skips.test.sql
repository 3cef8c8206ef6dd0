begin;
select plan(5);
select pgflow_tests.reset_db();
select pgflow.create_flow('alone');
select pgflow.add_step('alone', 's0', required_input_pattern => '{"on": true}', when_unmet => 'skip');
select pgflow.add_step('alone', 's' || i, array['s' || i - 1], required_input_pattern => '{"on": true}', when_unmet => 'skip')
from generate_series(1, 199) i;
select pgflow.create_flow('cascade');
select pgflow.add_step('cascade', 's0', required_input_pattern => '{"on": true}');
select pgflow.add_step('cascade', 's' || i, array['s' || i - 1]) from generate_series(1, 199) i;

select results_eq(
  $$ select status, remaining_steps, output from pgflow.start_flow('alone', '{}') $$,
  $$ values ('completed', 0, '{}'::jsonb) $$,
  'a chain of 200 steps that are each skipped alone completes in one call'
);
select results_eq(
  $$ select status, remaining_steps, output from pgflow.start_flow('cascade', '{}') $$,
  $$ values ('completed', 0, '{}'::jsonb) $$,
  'so does one of 200 steps behind a skipped one'
);
select results_eq(
  $$ select flow_slug, status, skip_reason, count(*)::int from pgflow.step_states group by 1, 2, 3 order by 1, 3 $$,
  $$ values ('alone', 'skipped', 'condition_unmet', 200), ('cascade', 'skipped', 'condition_unmet', 1),
            ('cascade', 'skipped', 'dependency_skipped', 199) $$,
  'each step has its reason'
);
select is_empty('select * from pgflow.step_tasks', 'no task was made');
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
