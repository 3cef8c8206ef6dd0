begin;
select plan(3);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('single');
select pgflow.start_flow('single', '1', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow.maybe_complete_run('10000000-0000-4000-8000-000000000001');
select results_eq('select status from pgflow.runs', $$ values ('started') $$, 'a run with steps left goes on');

select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'only', 0, '"out"');
update pgflow.runs set status = 'started', completed_at = null, output = null where true;
select pgflow.maybe_complete_run(run_id => '10000000-0000-4000-8000-000000000001');
select results_eq(
  'select status, output, completed_at is not null from pgflow.runs',
  $$ values ('completed', '{"only": "out"}'::jsonb, true) $$,
  'a run without steps left completes with its output'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
