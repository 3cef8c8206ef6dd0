begin;
select plan(2);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('single');
select pgflow.start_flow('single', '1', run_id => '10000000-0000-4000-8000-000000000001');

select results_eq(
  $$ select status, attempts_count, error_message is not null
     from pgflow.fail_task('10000000-0000-4000-8000-000000000001', 'only', 0, null) $$,
  $$ values ('queued', 1, true) $$,
  'a failure without a message fails, with one'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
