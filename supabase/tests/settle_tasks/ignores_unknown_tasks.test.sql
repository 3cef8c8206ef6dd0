begin;
select plan(3);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('single');
select pgflow.start_flow('single', '1', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow_tests.poll('single');

select results_eq(
  $$ select step_slug, status
     from pgflow.settle_tasks('[
       {"run_id": "10000000-0000-4000-8000-00000000000f", "step_slug": "only", "task_index": 0, "attempt": 1, "output": 1},
       {"run_id": "10000000-0000-4000-8000-00000000000f", "step_slug": "only", "task_index": 0, "attempt": 1, "error_message": "x"},
       {"run_id": "10000000-0000-4000-8000-000000000001", "step_slug": "nowhere", "task_index": 0, "attempt": 1, "output": 1},
       {"run_id": "10000000-0000-4000-8000-000000000001", "step_slug": "only", "task_index": 7, "attempt": 1, "error_message": "x"},
       {"run_id": "10000000-0000-4000-8000-000000000001", "step_slug": "only", "task_index": -1, "attempt": 1, "release": true},
       {},
       {"run_id": null, "step_slug": null, "output": 1},
       {"run_id": "10000000-0000-4000-8000-000000000001", "step_slug": "only", "task_index": 0, "attempt": 1, "output": 1}
     ]') $$,
  $$ values ('only', 'completed') $$,
  'results of tasks that do not exist are passed over, the others count'
);
select is_empty($$ select * from pgflow.settle_tasks('[]') $$, 'an empty batch settles nothing');
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
