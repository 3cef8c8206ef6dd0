begin;
select plan(4);
select pgflow_tests.reset_db();
select pgflow_tests.reset_events();
select pgflow_tests.setup_flow('map_root');
select pgflow.start_flow_with_states('map_root', '[1, 2, 3, 4]', '10000000-0000-4000-8000-000000000001');
select pgflow_tests.poll_and_complete('map_root', 1);
select pgflow_tests.poll_and_complete('map_root', 1);
select results_eq(
  $$ select event, payload - 'started_at' from pgflow_tests.events('10000000-0000-4000-8000-000000000001') offset 1 $$,
  $$ values
    ('step:each:started', '{"event_type": "step:started", "run_id": "10000000-0000-4000-8000-000000000001",
      "step_slug": "each", "status": "started", "tasks_done": 0, "tasks_total": 4}'::jsonb),
    ('step:each:progress', '{"event_type": "step:progress", "run_id": "10000000-0000-4000-8000-000000000001",
      "step_slug": "each", "status": "started", "tasks_done": 1, "tasks_total": 4}') $$,
  'how much of a map is done is told, but not for each element'
);

update pgflow.step_states set progress_at = progress_at - interval '250 milliseconds' where step_slug = 'each';
select pgflow.fail_task('10000000-0000-4000-8000-000000000001', 'each', 2, 'no');
select is(
  (select count(*) from pgflow_tests.events('10000000-0000-4000-8000-000000000001')), 3::bigint,
  'an attempt that failed is no progress'
);
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'each', 3, '1');
select results_eq(
  $$ select payload -> 'tasks_done' from pgflow_tests.events('10000000-0000-4000-8000-000000000001') offset 3 $$,
  $$ values ('3'::jsonb) $$,
  'a quarter of a second later it is told again'
);
select pgflow_tests.make_visible('map_root');
select pgflow_tests.poll_and_complete('map_root', 1);
select results_eq(
  $$ select event, payload ? 'tasks_done' from pgflow_tests.events('10000000-0000-4000-8000-000000000001') offset 4 $$,
  $$ values ('step:each:completed', false), ('step:sum:started', false) $$,
  'the end of the step is told at once'
);

select finish();
rollback;
