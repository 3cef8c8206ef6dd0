begin;
select plan(4);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('single');
select pgflow.start_flow('single', '1', run_id => '10000000-0000-4000-8000-000000000001');

select results_eq(
  $$ select step_slug, attempt from pgflow.poll_for_tasks('single', 1, 5, 0) $$,
  $$ values ('only', 1) $$,
  'without a worker_id the task is handed out all the same'
);
select results_eq(
  $$ select status, attempts_count, last_worker_id from pgflow.step_tasks $$,
  $$ values ('queued', 1, null::uuid) $$,
  'and stays queued'
);
select results_eq(
  $$ select step_slug, status, output
     from pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'only', 0, '"done"', 1) $$,
  $$ values ('only', 'completed', '"done"'::jsonb) $$,
  'its attempt may report'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
