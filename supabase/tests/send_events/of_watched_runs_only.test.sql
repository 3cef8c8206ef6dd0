begin;
select plan(3);
select pgflow_tests.reset_db();
select pgflow_tests.reset_events();
select pgflow_tests.setup_flow('sequential');
select pgflow.start_flow('sequential', '1', '10000000-0000-4000-8000-000000000001');
select pgflow.start_flow_with_states('sequential', '2', '10000000-0000-4000-8000-000000000002');
select pgflow.start_flow_with_states('sequential', '3', '10000000-0000-4000-8000-000000000003');
select pgflow_tests.poll('sequential', 3);
select pgflow.settle_tasks(
  $$ [{"run_id": "10000000-0000-4000-8000-000000000001", "step_slug": "first", "output": 1},
      {"run_id": "10000000-0000-4000-8000-000000000002", "step_slug": "first", "output": 2},
      {"run_id": "10000000-0000-4000-8000-000000000003", "step_slug": "first", "error_message": "no", "permanent": true}] $$
);

select results_eq(
  $$ select event, count(*) from realtime.messages where topic like 'pgflow:%' group by 1 order by 1 $$,
  $$ values ('run:failed', 1::bigint), ('run:started', 2), ('step:first:completed', 1),
            ('step:first:failed', 1), ('step:first:started', 2), ('step:second:started', 1) $$,
  'the events of a batch are those of the watched runs'
);
select is_empty(
  $$ select * from pgflow_tests.events('10000000-0000-4000-8000-000000000001') $$, 'a run that nobody watches has none'
);
select results_eq(
  $$ select event from pgflow_tests.events('10000000-0000-4000-8000-000000000003') $$,
  $$ values ('run:started'), ('step:first:started'), ('step:first:failed'), ('run:failed') $$,
  'each run has its own topic'
);

select finish();
rollback;
