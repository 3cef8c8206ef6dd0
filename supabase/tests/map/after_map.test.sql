begin;
select plan(6);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('map_chain');
select pgflow.start_flow('map_chain', '1', run_id => '10000000-0000-4000-8000-000000000001');

select results_eq(
  $$ select step_slug, initial_tasks, remaining_tasks from pgflow.step_states order by step_slug $$,
  $$ values ('again', null::int, null::int), ('each', null, null), ('list', 1, 1), ('sum', 1, 1) $$,
  'the number of tasks of a map is not known before its array is'
);
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'list', 0, '[10, 20]');
select results_eq(
  $$ select step_slug, task_index, input from pgflow_tests.poll('map_chain', 5) $$,
  $$ values ('each', 0, '10'::jsonb), ('each', 1, '20') $$,
  'a map runs over its dependency''s output'
);
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'each', 1, '[21]');
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'each', 0, 'false');
select results_eq(
  $$ select step_slug, task_index, input from pgflow_tests.poll('map_chain', 5) $$,
  $$ values ('again', 0, 'false'::jsonb), ('again', 1, '[21]') $$,
  'and over the gathered outputs of a map'
);
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'again', i, to_jsonb(i + 100)) from generate_series(0, 1) i;
select results_eq(
  $$ select step_slug, input from pgflow_tests.poll('map_chain') $$,
  $$ values ('sum', '{"run": 1, "again": [100, 101]}'::jsonb) $$,
  'the last of them ends in its dependents'
);
select results_eq(
  $$ select step_slug, status, initial_tasks, remaining_tasks from pgflow.step_states order by step_slug $$,
  $$ values ('again', 'completed', 2, 0), ('each', 'completed', 2, 0), ('list', 'completed', 1, 0), ('sum', 'started', 1, 1) $$,
  'all counters are known'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
