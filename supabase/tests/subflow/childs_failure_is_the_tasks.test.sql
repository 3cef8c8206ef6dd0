begin;
select plan(8);
select pgflow_tests.reset_db();
select pgflow.create_flow('child', max_attempts => 1);
select pgflow.add_step('child', 'inner');
select pgflow.create_flow('parent', max_attempts => 2, base_delay => 0);
select pgflow.add_step('parent', 'sub', performed_by => 'subflow', subflow_slug => 'child');
select pgflow.start_flow('parent', '1', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow_tests.poll('parent');
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'sub', 0, '"first"', 1);
select pgflow.fail_task(run_id, 'inner', 0, 'broke') from pgflow.runs where flow_slug = 'child';

select results_eq(
  $$ select status, attempts_count, error_message like 'child run % failed: Step "inner" failed: broke'
     from pgflow.step_tasks where step_slug = 'sub' $$,
  $$ values ('queued', 1, true) $$,
  'the failure of a child is a failed attempt of its task'
);
select is((select count(*)::int from pgflow.task_failures where step_slug = 'sub'), 1, 'with its row');
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken between attempts');
select results_eq(
  $$ select step_slug, attempt from pgflow_tests.poll('parent') $$, $$ values ('sub', 2) $$, 'retried with the next attempt'
);
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'sub', 0, '"second"', 2);
select results_eq(
  $$ select input, status from pgflow.runs where flow_slug = 'child' order by status $$,
  $$ values ('"first"'::jsonb, 'failed'), ('"second"', 'started') $$,
  'and a new child run'
);
select pgflow.fail_task(run_id, 'inner', 0, 'broke') from pgflow.runs where flow_slug = 'child' and status = 'started';
select results_eq(
  $$ select r.status, t.status, t.attempts_count from pgflow.runs r join pgflow.step_tasks t using (run_id) where step_slug = 'sub' $$,
  $$ values ('failed', 'failed', 2) $$,
  'the last attempt fails the parent'
);
select is((select count(*)::int from pgflow.task_failures where step_slug = 'sub'), 2, 'both attempts are recorded');
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
