begin;
select plan(4);
select pgflow_tests.reset_db();
select pgflow.create_flow('f', max_attempts => 2);
select pgflow.add_step('f', 'a');
select pgflow.add_step('f', 'b');
select pgflow.add_step('f', 'c');
select pgflow.start_flow('f', '1', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow_tests.poll('f', 3);

select pgflow.settle_tasks('[
  {"run_id": "10000000-0000-4000-8000-000000000001", "step_slug": "c", "task_index": 0, "attempt": 1, "error_message": "retry me"},
  {"run_id": "10000000-0000-4000-8000-000000000001", "step_slug": "b", "task_index": 0, "attempt": 1, "error_message": "the end", "permanent": true},
  {"run_id": "10000000-0000-4000-8000-000000000001", "step_slug": "a", "task_index": 0, "attempt": 1, "error_message": "too late", "permanent": true}
]');

select results_eq(
  $$ select status, error_message from pgflow.runs $$,
  $$ values ('failed', 'Step "b" failed: the end') $$,
  'the run ends with the first failure that ends it'
);
select results_eq(
  $$ select step_slug, status, error_message from pgflow.step_tasks order by step_slug $$,
  $$ values ('a', 'cancelled', null::text), ('b', 'failed', 'the end'), ('c', 'cancelled', 'retry me') $$,
  'failures before it count, those behind it come too late, as in calls of their own'
);
select results_eq(
  $$ select step_slug, attempt, error_message from pgflow.task_failures order by step_slug $$,
  $$ values ('b', 1, 'the end'), ('c', 1, 'retry me') $$,
  'and are not recorded'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
