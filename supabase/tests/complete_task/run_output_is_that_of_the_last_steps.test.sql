begin;
select plan(3);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('two_roots_left_right');
select pgflow.start_flow('two_roots_left_right', '1', run_id => '10000000-0000-4000-8000-000000000001');
select c.*
from (values ('connected_root', 'true'::jsonb), ('disconnected_root', 'null'), ('left', '{"l": 1}'))
  o (step_slug, output)
cross join lateral pgflow.complete_task('10000000-0000-4000-8000-000000000001', o.step_slug, 0, o.output) c;

select results_eq(
  $$ select status, remaining_steps, output, completed_at from pgflow.runs $$,
  $$ values ('started', 1, null::jsonb, null::timestamptz) $$,
  'the run has no output while a step is open'
);
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'right', 0, '[2]');
select results_eq(
  $$ select status, remaining_steps, output, completed_at is not null from pgflow.runs $$,
  $$ values ('completed', 0, '{"disconnected_root": null, "left": {"l": 1}, "right": [2]}'::jsonb, true) $$,
  'the outputs of steps without dependents, under their slugs'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
