begin;
select plan(3);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('single');
select pgflow.start_flow('single', '1', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow.start_flow('single', '2', run_id => '10000000-0000-4000-8000-000000000002');
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'only', 0, '1');
select pgflow.fail_task('10000000-0000-4000-8000-000000000002', 'only', 0, 'no', permanent => true);

select is_empty($$ select pgflow.cancel_run(run_id) from pgflow.runs $$, 'ended runs cannot be cancelled');
select results_eq(
  $$ select status, output, error_message from pgflow.runs order by run_id $$,
  $$ values ('completed', '{"only": 1}'::jsonb, null::text), ('failed', null, 'Step "only" failed: no') $$,
  'they stay as they ended'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
