begin;
select plan(3);
select pgflow_tests.reset_db();
select pgflow.create_flow('deep');
select pgflow.add_step('deep', 'm0', step_type => 'map');
select pgflow.add_step('deep', 'm' || i, array['m' || i - 1], step_type => 'map') from generate_series(1, 199) i;

select results_eq(
  $$ select status, remaining_steps, output from pgflow.start_flow('deep', '[]') $$,
  $$ values ('completed', 0, '{"m199": []}'::jsonb) $$,
  'a chain of 200 maps over nothing completes in one call'
);
select results_eq(
  $$ select status, count(*)::int from pgflow.step_states group by 1 $$,
  $$ values ('completed', 200) $$,
  'every step of it'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
