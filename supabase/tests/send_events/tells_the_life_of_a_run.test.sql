begin;
select plan(4);
select pgflow_tests.reset_db();
select pgflow_tests.reset_events();
select pgflow_tests.setup_flow('sequential');
select pgflow.start_flow_with_states('sequential', '{"n": 1}', '10000000-0000-4000-8000-000000000001');
select pgflow_tests.poll_and_complete('sequential') from generate_series(1, 3);

select results_eq(
  $$ select event from pgflow_tests.events('10000000-0000-4000-8000-000000000001') $$,
  $$ values ('run:started'), ('step:first:started'), ('step:first:completed'), ('step:second:started'),
            ('step:second:completed'), ('step:last:started'), ('step:last:completed'), ('run:completed') $$,
  'each state has one event, in an order that can be followed'
);
select results_eq(
  $$ select payload - array['started_at', 'completed_at']
     from pgflow_tests.events('10000000-0000-4000-8000-000000000001') where event ~ '^run|last' $$,
  $$ values
    ('{"event_type": "run:started", "run_id": "10000000-0000-4000-8000-000000000001",
       "flow_slug": "sequential", "status": "started"}'::jsonb),
    ('{"event_type": "step:started", "run_id": "10000000-0000-4000-8000-000000000001",
       "step_slug": "last", "status": "started"}'),
    ('{"event_type": "step:completed", "run_id": "10000000-0000-4000-8000-000000000001",
       "step_slug": "last", "status": "completed", "output": {"step": "last", "index": 0}}'),
    ('{"event_type": "run:completed", "run_id": "10000000-0000-4000-8000-000000000001",
       "flow_slug": "sequential", "status": "completed", "output": {"last": {"step": "last", "index": 0}}}') $$,
  'the payload says what it is about and what came of it'
);
select results_eq(
  $$ select e.event, (e.payload ->> ((e.payload ->> 'status') || '_at'))::timestamptz
     from pgflow_tests.events('10000000-0000-4000-8000-000000000001') e where e.event ~ '^step' $$,
  $$ select * from (
       select 'step:' || step_slug || ':started', started_at from pgflow.step_states
       union all
       select 'step:' || step_slug || ':completed', completed_at from pgflow.step_states
     ) x (event, at)
     order by array_position(array['first', 'second', 'last'], split_part(event, ':', 2)), event desc $$,
  'and when'
);
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'last', 0, '2');
select is(
  (select count(*) from pgflow_tests.events('10000000-0000-4000-8000-000000000001')), 8::bigint,
  'a repeated report, which changes nothing, sends nothing'
);

select finish();
rollback;
