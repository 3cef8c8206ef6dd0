begin;
select plan(3);
select pgflow_tests.reset_db();
select pgflow_tests.reset_events();
select pgflow.create_flow('f');
select pgflow.add_step('f', 'never', required_input_pattern => '{"a": 1}');
select pgflow.add_step('f', 'after_never', array['never']);
select pgflow.add_step('f', 'list');
select pgflow.add_step('f', 'each', array['list'], step_type => 'map');
select pgflow.add_step('f', 'fragile', array['each'], max_attempts => 1, when_exhausted => 'skip');
select pgflow.start_flow_with_states('f', '{}', '10000000-0000-4000-8000-000000000001');

select results_eq(
  $$ select event from pgflow_tests.events('10000000-0000-4000-8000-000000000001') $$,
  $$ values ('run:started'), ('step:list:started'), ('step:never:skipped'), ('step:after_never:skipped') $$,
  'a skipped step is told before the steps that are skipped because of it'
);
select pgflow_tests.poll('f');
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'list', 0, '[]');
select pgflow_tests.poll_and_fail('f');
select results_eq(
  $$ select event, payload -> 'output' from pgflow_tests.events('10000000-0000-4000-8000-000000000001') offset 4 $$,
  $$ values ('step:list:completed', '[]'::jsonb), ('step:each:completed', '[]'), ('step:fragile:started', null),
            ('step:fragile:skipped', null), ('run:completed', '{}') $$,
  'a map over nothing is completed without having started'
);
select is(
  (select payload - 'skipped_at' from pgflow_tests.events('10000000-0000-4000-8000-000000000001')
   where event = 'step:fragile:skipped'),
  '{"event_type": "step:skipped", "run_id": "10000000-0000-4000-8000-000000000001", "step_slug": "fragile",
    "status": "skipped", "error_message": "fragile failed"}',
  'a step that is skipped because it failed says why'
);

select finish();
rollback;
