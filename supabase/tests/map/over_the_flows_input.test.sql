begin;
select plan(9);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('map_root');
select pgflow.start_flow('map_root', '["a", null, {"n": 3}]', run_id => '10000000-0000-4000-8000-000000000001');

select results_eq(
  $$ select step_slug, status, initial_tasks, remaining_tasks from pgflow.step_states order by step_slug $$,
  $$ values ('each', 'started', 3, 3), ('sum', 'created', 1, 1) $$,
  'the map has a task per element'
);
select results_eq(
  $$ select * from pgflow_tests.queued_steps('map_root') $$,
  $$ values ('each', 0), ('each', 1), ('each', 2) $$,
  'with a message each, in order'
);
select results_eq(
  $$ select task_index, input, attempt from pgflow_tests.poll('map_root', 5) $$,
  $$ values (0, '"a"'::jsonb, 1), (1, 'null', 1), (2, '{"n": 3}', 1) $$,
  'the input of a task is its element'
);
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'each', 2, '"third"', 1);
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'each', 0, '"first"', 1);
select results_eq(
  $$ select step_slug, status, remaining_tasks, remaining_deps, output from pgflow.step_states order by step_slug $$,
  $$ values ('each', 'started', 1, 0, null::jsonb), ('sum', 'created', 1, 1, null) $$,
  'the step waits for its last task'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken in the middle');
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'each', 1, 'null', 1);
select results_eq(
  $$ select step_slug, status, remaining_tasks, remaining_deps, output from pgflow.step_states order by step_slug $$,
  $$ values ('each', 'completed', 0, 0, '["first", null, "third"]'::jsonb), ('sum', 'started', 1, 0, null) $$,
  'the outputs are gathered in the order of elements'
);
select results_eq(
  $$ select step_slug, input from pgflow_tests.poll('map_root') $$,
  $$ values ('sum', '{"run": ["a", null, {"n": 3}], "each": ["first", null, "third"]}'::jsonb) $$,
  'and handed to the dependents as one array'
);
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'sum', 0, '0');
select results_eq(
  'select status, output from pgflow.runs', $$ values ('completed', '{"sum": 0}'::jsonb) $$, 'the run completes'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
