begin;
select plan(6);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('single');
select pgflow.create_flow('approve');
select pgflow.add_step('approve', 'ask', performed_by => 'approval', timeout => 60);

select pgflow.start_flow('single', '1');
select pgflow.register_worker('10000000-0000-4000-8000-000000000001', 'single', 'single');
select count(*) from pgflow.poll_for_tasks('single', 1, 1, 0, worker_id => '10000000-0000-4000-8000-000000000001');
select pgflow.ensure_workers();
select is(
  (select count(*)::int from pgmq.q_single where vt <= clock_timestamp()), 0,
  'the task of a worker that lives stays hidden'
);
update pgflow.workers set last_heartbeat_at = now() - interval '31 seconds' where true;
select pgflow.ensure_workers();
select is(
  (select count(*)::int from pgmq.q_single where vt <= clock_timestamp()), 1,
  'the task of a worker that is gone comes back'
);

select pgflow.start_flow('single', '2', start_at => now() + interval '1 hour');
select is((select count(*)::int from pgmq.q_single), 1, 'a later start is not in the queue');
update pgflow.step_tasks set due_at = now() - interval '1 second' where due_at is not null;
select pgflow.ensure_workers();
select is((select count(*)::int from pgmq.q_single), 2, 'it is when it is due');

select pgflow.start_flow('approve', '1', run_id => '20000000-0000-4000-8000-000000000002');
update pgflow.step_tasks set due_at = now() - interval '1 second' where status = 'waiting';
select pgflow.ensure_workers();
select is(
  (select error_message from pgflow.runs where flow_slug = 'approve'),
  'Step "ask" failed: [timeout] nobody answered in time',
  'an approval whose time is over ends, though nobody works'
);
select is_empty('select * from pgflow.broken_invariants', 'nothing is broken');

select finish();
rollback;
