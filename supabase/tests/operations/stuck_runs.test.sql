begin;
select plan(6);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('single');
select pgflow.create_flow('approve');
select pgflow.add_step('approve', 'ask', performed_by => 'approval');
select pgflow.create_flow('parent');
select pgflow.add_step('parent', 'sub', performed_by => 'subflow', subflow_slug => 'approve');
select pgflow.start_flow('single', '1', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow.start_flow('single', '1', run_id => '10000000-0000-4000-8000-000000000002', start_at => now() + interval '1 hour');
select pgflow.start_flow('parent', '1', run_id => '10000000-0000-4000-8000-000000000003');
select pgflow_tests.poll_and_complete('parent');

select is_empty('select * from pgflow.stuck_runs()', 'what has just begun is not stuck');
update pgflow.runs set started_at = started_at - interval '5 minutes' where true;
update pgmq.q_single set vt = vt - interval '5 minutes' where true;
update pgflow.step_tasks set queued_at = queued_at - interval '5 minutes', started_at = started_at - interval '5 minutes' where true;
select results_eq(
  $$ select flow_slug, step_slug, reason, since < now() - interval '4 minutes' from pgflow.stuck_runs() order by 1 $$,
  $$ values
    ('approve', 'ask', 'waiting for an approval of step "ask"', true),
    ('single', 'only', 'no live worker for flow "single"', true) $$,
  'what somebody must act on is, and what waits for it or for its time is not'
);
select is(
  (select count(*)::int from pgflow.stuck_runs(quiet_for => '10 minutes')), 0, 'since how long is a question of taste'
);
select is((select count(*)::int from pgflow.stuck_runs(max_runs => 1)), 1, 'so is how many');

select pgflow.register_worker('30000000-0000-4000-8000-000000000003', 'single', 'single');
select results_eq(
  $$ select reason from pgflow.stuck_runs() where flow_slug = 'single' $$,
  $$ values ('step "only" is in the queue') $$,
  'a queue that is behind shows'
);
select count(*) from pgflow.poll_for_tasks('single', 1, 1, 0, worker_id => '30000000-0000-4000-8000-000000000003');
update pgflow.step_tasks set started_at = started_at - interval '5 minutes' where status = 'started';
select is_empty(
  $$ select * from pgflow.stuck_runs() where flow_slug = 'single' $$, 'what a live worker runs is not stuck'
);

select finish();
rollback;
