begin;
select plan(2);
select pgflow_tests.reset_db();
select pgflow.create_flow('empty');

select results_eq(
  $$ select status, remaining_steps, output, completed_at is not null
     from pgflow.start_flow('empty', '{}') $$,
  $$ values ('completed', 0, '{}'::jsonb, true) $$,
  'a run of a flow without steps is complete'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
