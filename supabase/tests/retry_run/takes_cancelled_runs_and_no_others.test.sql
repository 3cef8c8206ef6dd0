begin;
select plan(6);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('sequential');
select pgflow.start_flow('sequential', '1', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow.start_flow('sequential', '2', run_id => '10000000-0000-4000-8000-000000000002');
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'first', 0, '1');
select pgflow.cancel_run('10000000-0000-4000-8000-000000000001');

select results_eq(
  $$ select status, cancelled_at from pgflow.retry_run('10000000-0000-4000-8000-000000000001') $$,
  $$ values ('started', null::timestamptz) $$,
  'a cancelled run goes on'
);
select results_eq(
  $$ select right(run_id::text, 1), step_slug, attempt from pgflow_tests.poll('sequential', 5) order by 1 $$,
  $$ values ('1', 'second', 1), ('2', 'first', 1) $$,
  'with the step it had come to'
);
select is_empty(
  $$ select pgflow.retry_run('10000000-0000-4000-8000-000000000001')
     union all select pgflow.retry_run('10000000-0000-4000-8000-000000000002') $$,
  'an open run is not retried'
);
select c.* from unnest(array['second', 'last']) s
cross join lateral pgflow.complete_task('10000000-0000-4000-8000-000000000001', s, 0, '1') c;
select is_empty($$ select pgflow.retry_run('10000000-0000-4000-8000-000000000001') $$, 'nor a completed one');
select is_empty($$ select pgflow.retry_run('10000000-0000-4000-8000-00000000000f') $$, 'nor an unknown one');
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
