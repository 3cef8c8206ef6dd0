begin;
select plan(3);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('single');
select pgflow.start_flow('single', '1', run_id => '10000000-0000-4000-8000-000000000001');

select is_empty(
  $$ select * from pgflow.settle_tasks('[
       {"run_id": "10000000-0000-4000-8000-000000000001", "step_slug": "only", "task_index": 0, "release": true}
     ]') $$,
  'what nobody holds cannot be given back'
);
select results_eq(
  $$ select status, attempts_count, attempts_forgiven from pgflow.step_tasks $$,
  $$ values ('queued', 0, 0) $$,
  'the task is as it was'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
