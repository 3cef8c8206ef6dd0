begin;
select plan(2);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('sequential');
select pgflow.start_flows('sequential', '[1, 2]');
select pgflow_tests.poll_and_complete('sequential');
select pgflow.fail_task(t.run_id, 'first', 0, 'no luck') from pgflow.step_tasks t where t.status = 'queued' and t.step_slug = 'first';

select results_eq(
  'select flow_slug, step_slug, attempts, failures, failure_rate, last_error from pgflow.failure_rates()',
  $$ values ('sequential', 'first', 2, 1, 0.500, 'no luck') $$,
  'failures are counted among attempts'
);
update pgflow.runs set started_at = now() - interval '2 days' where true;
select is_empty('select * from pgflow.failure_rates(''1 day'')', 'of the period');

select finish();
rollback;
