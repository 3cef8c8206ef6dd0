begin;
select plan(7);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('map_root');
select pgflow.start_flow('map_root', '[1, 2, 3, 4]', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow.register_worker(w.id, 'map_root', 'f')
from (values ('00000000-0000-4000-8000-000000000001'::uuid), ('00000000-0000-4000-8000-000000000002')) w (id);
select pgflow_tests.poll('map_root', 2);
select pgflow.poll_for_tasks('map_root', 1, 2, 0, worker_id => '00000000-0000-4000-8000-000000000002');

select is(pgflow.requeue_stalled_tasks(), 0, 'tasks of workers that live stay with them');

update pgflow.workers set last_heartbeat_at = now() - interval '10 minutes'
where worker_id = '00000000-0000-4000-8000-000000000001';
select is(pgflow.requeue_stalled_tasks(), 2, 'those of one whose heartbeat stays out come back');
select is(pgflow.requeue_stalled_tasks(), 0, 'once');
select results_eq(
  $$ select task_index, attempt from pgflow_tests.poll('map_root', 9) $$,
  $$ values (0, 2), (1, 2) $$,
  'they are handed out at once, as their next attempts'
);
select results_eq(
  $$ select task_index, attempt, error_message from pgflow.task_failures order by 1 $$,
  $$ values (0, 1, '[lost worker] attempt 1 was never reported'), (1, 1, '[lost worker] attempt 1 was never reported') $$,
  'the attempts that were lost are on record'
);

select pgflow.stop_worker('00000000-0000-4000-8000-000000000002');
update pgflow.workers set last_heartbeat_at = clock_timestamp() where true;
select is(pgflow.requeue_stalled_tasks(), 2, 'a worker that has stopped is gone at once');
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
