begin;
select plan(4);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('diamond');
select pgflow.start_flow('diamond', '1', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'root', 0, '1');
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'right', 0, '2');

select results_eq(
  $$ select step_slug, status, remaining_deps from pgflow.step_states order by step_slug $$,
  $$ values ('join', 'created', 1), ('left', 'started', 0), ('right', 'completed', 0), ('root', 'completed', 0) $$,
  'one of two is not enough'
);
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'left', 0, '3');
select results_eq(
  $$ select step_slug, status, remaining_deps from pgflow.step_states order by step_slug $$,
  $$ values ('join', 'started', 0), ('left', 'completed', 0), ('right', 'completed', 0), ('root', 'completed', 0) $$,
  'the second starts it'
);
select results_eq(
  $$ select * from pgflow_tests.queued_steps('diamond') $$, $$ values ('join', 0) $$, 'once'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
