begin;
select plan(6);
select pgflow_tests.reset_db();
select pgflow.create_flow('f', max_attempts => 1);
select pgflow.add_step('f', 'a');
select pgflow.start_flow('f', '1', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow_tests.poll('f');

select results_eq(
  $$ select step_slug, status, attempts_count, attempts_forgiven, error_message, output
     from pgflow.settle_tasks('[
       {"run_id": "10000000-0000-4000-8000-000000000001", "step_slug": "a", "task_index": 0, "attempt": 1, "release": true}
     ]') $$,
  $$ values ('a', 'queued', 1, 1, null::text, null::jsonb) $$,
  'the task is queued again and its attempt forgiven'
);
select is_empty('select * from pgflow.task_failures', 'giving back is no failure');
select results_eq(
  $$ select step_slug, attempt from pgflow_tests.poll('f') $$, $$ values ('a', 2) $$,
  'it is handed out at once, though it has one attempt only'
);
select is_empty(
  $$ select * from pgflow.settle_tasks('[
       {"run_id": "10000000-0000-4000-8000-000000000001", "step_slug": "a", "task_index": 0, "attempt": 1, "release": true}
     ]') $$,
  'an attempt that is not open cannot be given back'
);
select results_eq(
  $$ select status, attempts_count, attempts_forgiven
     from pgflow.fail_task('10000000-0000-4000-8000-000000000001', 'a', 0, 'no', 2) $$,
  $$ values ('failed', 2, 1) $$,
  'the attempt that counts is the only one'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
