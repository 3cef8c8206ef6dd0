begin;
select plan(3);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('two_roots');
select pgflow.start_flow('two_roots', '1', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow_tests.poll('two_roots', 2);
select pgflow.fail_task('10000000-0000-4000-8000-000000000001', 'root_a', 0, 'no', 1, permanent => true);

select is_empty(
  $$ select * from pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'root_b', 0, '1', 1)
     union all
     select * from pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'root_b', 0, '1')
     union all
     select * from pgflow.fail_task('10000000-0000-4000-8000-000000000001', 'root_b', 0, 'x', 1) $$,
  'a report to a run that has ended returns nothing'
);
select results_eq(
  $$ select step_slug, status, output, error_message from pgflow.step_tasks order by step_slug $$,
  $$ values ('root_a', 'failed', null::jsonb, 'no'), ('root_b', 'cancelled', null, null) $$,
  'and changes nothing'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
