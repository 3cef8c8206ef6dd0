begin;
select plan(5);
select pgflow_tests.reset_db();
select pgflow_tests.reset_events();
select pgflow_tests.setup_flow('diamond');

select pgflow.start_flow_with_states('diamond', '1', '10000000-0000-4000-8000-000000000001');
select pgflow_tests.poll_and_complete('diamond');
select pgflow.fail_task('10000000-0000-4000-8000-000000000001', 'left', 0, repeat('no ', 5000), permanent => true);
select results_eq(
  $$ select event from pgflow_tests.events('10000000-0000-4000-8000-000000000001') offset 3 $$,
  $$ values ('step:left:started'), ('step:right:started'), ('step:left:failed'), ('run:failed') $$,
  'a run fails with the step that failed; what is cancelled with it goes without saying'
);
select results_eq(
  $$ select event, payload - 'failed_at' from pgflow_tests.events('10000000-0000-4000-8000-000000000001') offset 5 $$,
  $$ values
    ('step:left:failed', jsonb_build_object(
      'event_type', 'step:failed', 'run_id', '10000000-0000-4000-8000-000000000001', 'step_slug', 'left',
      'status', 'failed', 'error_message', left(repeat('no ', 5000), 4096)
    )),
    ('run:failed', jsonb_build_object(
      'event_type', 'run:failed', 'run_id', '10000000-0000-4000-8000-000000000001', 'flow_slug', 'diamond',
      'status', 'failed', 'error_message', left('Step "left" failed: ' || repeat('no ', 5000), 4096)
    )) $$,
  'both carry the error, cut to a length that Realtime takes'
);

select pgflow.start_flow_with_states('diamond', '1', '10000000-0000-4000-8000-000000000002');
select pgflow.cancel_run('10000000-0000-4000-8000-000000000002');
select pgflow.cancel_run('10000000-0000-4000-8000-000000000002');
select results_eq(
  $$ select event, payload - 'cancelled_at' - 'started_at' from pgflow_tests.events('10000000-0000-4000-8000-000000000002')
     offset 2 $$,
  $$ values ('run:cancelled', '{"event_type": "run:cancelled", "flow_slug": "diamond", "status": "cancelled",
                                "run_id": "10000000-0000-4000-8000-000000000002"}'::jsonb) $$,
  'a cancelled run says so once'
);

select pgflow.retry_run('10000000-0000-4000-8000-000000000001');
select results_eq(
  $$ select event from pgflow_tests.events('10000000-0000-4000-8000-000000000001') offset 7 $$,
  $$ values ('run:started'), ('step:left:started'), ('step:right:started') $$,
  'a run that is retried starts again, with the steps that do'
);
select pgflow.create_flow('empty');
select pgflow.start_flow_with_states('empty', '1', '10000000-0000-4000-8000-000000000003');
select results_eq(
  $$ select event, payload -> 'output' from pgflow_tests.events('10000000-0000-4000-8000-000000000003') $$,
  $$ values ('run:completed', '{}'::jsonb) $$,
  'a run without steps is completed as it starts'
);

select finish();
rollback;
