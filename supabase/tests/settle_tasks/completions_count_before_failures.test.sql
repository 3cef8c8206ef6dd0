begin;
select plan(4);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('two_roots');
select pgflow.start_flow('two_roots', '1', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow_tests.poll('two_roots', 2);

select results_eq(
  $$ select step_slug, status
     from pgflow.settle_tasks('[
       {"run_id": "10000000-0000-4000-8000-000000000001", "step_slug": "root_a", "task_index": 0, "attempt": 1, "error_message": "no", "permanent": true},
       {"run_id": "10000000-0000-4000-8000-000000000001", "step_slug": "root_b", "task_index": 0, "attempt": 1, "output": 1}
     ]') order by 1 $$,
  $$ values ('root_a', 'failed'), ('root_b', 'completed') $$,
  'a completion behind the failure that ends its run counts'
);
select results_eq(
  $$ select step_slug, status from pgflow.step_states order by step_slug $$,
  $$ values ('last', 'cancelled'), ('root_a', 'failed'), ('root_b', 'completed') $$,
  'the run ends all the same'
);

select pgflow.start_flow('two_roots', '1', run_id => '10000000-0000-4000-8000-000000000002');
select pgflow_tests.poll('two_roots', 2);
select results_eq(
  $$ select step_slug, status, output
     from pgflow.settle_tasks('[
       {"run_id": "10000000-0000-4000-8000-000000000002", "step_slug": "root_a", "task_index": 0, "attempt": 1, "error_message": "no", "permanent": true},
       {"run_id": "10000000-0000-4000-8000-000000000002", "step_slug": "root_a", "task_index": 0, "attempt": 1, "output": 1}
     ]') $$,
  $$ values ('root_a', 'completed', '1'::jsonb) $$,
  'of both results for one task the completion counts'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
