begin;
select plan(4);
select pgflow_tests.reset_db();
select is_empty('select * from pgflow.queue_states()', 'without flows there is nothing');
select pgflow_tests.setup_flow('single');
select pgflow_tests.setup_flow('sequential');

select results_eq(
  'select * from pgflow.queue_states()',
  $$ values
    ('sequential', 0, null::timestamptz, 0, 0, null::timestamptz, 0),
    ('single', 0, null, 0, 0, null, 0) $$,
  'empty queues are empty'
);
select pgflow.start_flows('single', '[1, 2, 3]');
select pgflow.start_flow('single', '4', start_at => now() + interval '1 hour');
select pgflow_tests.poll('single');
select pgflow.acquire_worker('30000000-0000-4000-8000-000000000003', 'f', '{single,sequential}');
select pgflow.register_worker('40000000-0000-4000-8000-000000000004', 'single', 'single');
select results_eq(
  $$ select flow_slug, ready, hidden, later, next_due_at = now() + interval '1 hour', live_workers
     from pgflow.queue_states() $$,
  $$ values ('single', 2, 1, 1, true, 2), ('sequential', 0, 0, 0, null, 1) $$,
  'ready, hidden and later are told apart'
);
update pgmq.q_single set vt = now() - interval '7 minutes' where msg_id = 2;
select is(
  (select oldest_ready_at from pgflow.queue_states() where flow_slug = 'single'),
  now() - interval '7 minutes', 'the oldest says since when'
);

select finish();
rollback;
