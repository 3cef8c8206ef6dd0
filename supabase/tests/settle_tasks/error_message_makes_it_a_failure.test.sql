begin;
select plan(4);
select pgflow_tests.reset_db();
select pgflow.create_flow('f', base_delay => 0);
select pgflow.add_step('f', 'a');
select pgflow.start_flow('f', '1', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow_tests.poll('f');

select results_eq(
  $$ select status, attempts_count, error_message
     from pgflow.settle_tasks('[
       {"run_id": "10000000-0000-4000-8000-000000000001", "step_slug": "a", "task_index": 0, "attempt": 1,
        "output": 1, "error_message": "wins over the output"}
     ]') $$,
  $$ values ('queued', 1, 'wins over the output') $$,
  'the key error_message wins over output'
);
select pgflow_tests.poll('f');
select results_eq(
  $$ select status, attempts_count, attempts_forgiven, error_message
     from pgflow.settle_tasks('[
       {"run_id": "10000000-0000-4000-8000-000000000001", "step_slug": "a", "task_index": 0, "attempt": 2,
        "release": true, "error_message": "wins over release"}
     ]') $$,
  $$ values ('queued', 2, 0, 'wins over release') $$,
  'and over release'
);
select pgflow_tests.poll('f');
select results_eq(
  $$ select status, output
     from pgflow.settle_tasks('[
       {"run_id": "10000000-0000-4000-8000-000000000001", "step_slug": "a", "task_index": 0, "attempt": 3, "release": false}
     ]') $$,
  $$ values ('completed', 'null'::jsonb) $$,
  'release false is no release, and a missing output is null'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
