begin;
select plan(2);
select pgflow_tests.reset_db();
select pgflow.create_flow('f');
select pgflow.add_step('f', 'each', step_type => 'map');
select pgflow.start_flow('f', '[1, 2]');
select pgflow_tests.poll_and_complete('f', 5);

select results_eq(
  'select status, remaining_steps, output from pgflow.runs',
  $$ values ('completed', 0, '{"each": [{"step": "each", "index": 0}, {"step": "each", "index": 1}]}'::jsonb) $$,
  'the gathered array is the output of a map without dependents'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
