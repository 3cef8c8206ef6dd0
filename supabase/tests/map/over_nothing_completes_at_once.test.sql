begin;
select plan(7);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('map_root');
select pgflow_tests.setup_flow('map_chain');
select pgflow.create_flow('only_map');
select pgflow.add_step('only_map', 'each', step_type => 'map');

select results_eq(
  $$ select status, remaining_steps, output from pgflow.start_flow('only_map', '[]') $$,
  $$ values ('completed', 0, '{"each": []}'::jsonb) $$,
  'a run of nothing but a map over nothing is complete when it is returned'
);
select results_eq(
  $$ select status, remaining_steps, output from pgflow.start_flow('map_root', '[]') $$,
  $$ values ('started', 1, null::jsonb) $$,
  'behind a map over nothing the run goes on'
);
select results_eq(
  $$ select step_slug, input from pgflow_tests.poll('map_root', 5) $$,
  $$ values ('sum', '{"run": [], "each": []}'::jsonb) $$,
  'with an empty array'
);
select pgflow.start_flow('map_chain', '1', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'list', 0, '[]');
select results_eq(
  $$ select step_slug, status, initial_tasks, remaining_tasks, output, started_at is not null
     from pgflow.step_states where flow_slug = 'map_chain' order by step_slug $$,
  $$ values ('again', 'completed', 0, 0, '[]'::jsonb, true), ('each', 'completed', 0, 0, '[]', true),
            ('list', 'completed', 1, 0, null, true), ('sum', 'started', 1, 1, null, true) $$,
  'one behind the other complete in the same call'
);
select results_eq(
  $$ select step_slug, input from pgflow_tests.poll('map_chain', 5) $$,
  $$ values ('sum', '{"run": 1, "again": []}'::jsonb) $$,
  'and the step behind them starts'
);
select is_empty($$ select * from pgflow.step_tasks where step_slug in ('each', 'again') $$, 'without a task');
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
