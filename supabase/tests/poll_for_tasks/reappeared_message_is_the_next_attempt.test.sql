begin;
select plan(6);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('single');
select pgflow.start_flow('single', '1', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow.poll_for_tasks('single', 1, 1, 0, worker_id => '30000000-0000-4000-8000-000000000003');
select pgflow_tests.make_visible('single');

select results_eq(
  $$ select step_slug, attempt
     from pgflow.poll_for_tasks('single', 1, 1, 0, worker_id => '40000000-0000-4000-8000-000000000004') $$,
  $$ values ('only', 2) $$,
  'a task whose message reappeared is handed out as its next attempt'
);
select results_eq(
  $$ select status, attempts_count, attempts_forgiven, last_worker_id from pgflow.step_tasks $$,
  $$ values ('started', 2, 0, '40000000-0000-4000-8000-000000000004'::uuid) $$,
  'under the worker that took it'
);
select results_eq(
  $$ select step_slug, task_index, attempt, error_message, worker_id from pgflow.task_failures $$,
  $$ values ('only', 0, 1, '[lost worker] attempt 1 was never reported',
             '30000000-0000-4000-8000-000000000003'::uuid) $$,
  'the attempt that was never reported is a failure of its worker'
);
select is_empty(
  $$ select * from pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'only', 0, '"late"', 1) $$,
  'the lost attempt may not report any more'
);
select results_eq(
  $$ select status, output
     from pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'only', 0, '"in time"', 2) $$,
  $$ values ('completed', '"in time"'::jsonb) $$,
  'the new one may'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
