begin;
select plan(6);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('single');
select pgflow_tests.setup_flow('sequential');
select pgflow.start_flow('single', '{"n": 1}', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow_tests.poll_and_complete('single');

select results_eq(
  $$ select run_id, status, input, output
     from pgflow.start_flow('single', '{"n": 1}', run_id => '10000000-0000-4000-8000-000000000001') $$,
  $$ values ('10000000-0000-4000-8000-000000000001'::uuid, 'completed', '{"n": 1}'::jsonb,
             '{"only": {"step": "only", "index": 0}}'::jsonb) $$,
  'the run that has the id is returned as it is now'
);
select throws_ok(
  $$ select pgflow.start_flow('single', '{"n": 2}', run_id => '10000000-0000-4000-8000-000000000001') $$,
  'PF004',
  'Cannot start flow "single": the run id or idempotency key belongs to another run',
  'another input is refused, and nothing of the run is shown'
);
select throws_ok(
  $$ select pgflow.start_flow('sequential', '{"n": 1}', run_id => '10000000-0000-4000-8000-000000000001') $$,
  'PF004',
  'Cannot start flow "sequential": the run id or idempotency key belongs to another run',
  'another flow is refused, and nothing of the run is shown'
);
update pgflow.runs set owner = '20000000-0000-4000-8000-000000000002' where true;
select throws_ok(
  $$ select pgflow.start_flow('single', '{"n": 1}', run_id => '10000000-0000-4000-8000-000000000001') $$,
  'PF004',
  'Cannot start flow "single": the run id or idempotency key belongs to another run',
  'another owner is refused, and nothing of the run is shown'
);
select results_eq(
  $$ select r.flow_slug, s.step_slug, s.status
     from pgflow.runs r join pgflow.step_states s using (run_id) $$,
  $$ values ('single', 'only', 'completed') $$,
  'nothing was started by any of them'
);
select is_empty(
  $$ select step_slug from pgflow_tests.queued_steps('single')
     union all select step_slug from pgflow_tests.queued_steps('sequential') $$,
  'and nothing queued'
);

select finish();
rollback;
