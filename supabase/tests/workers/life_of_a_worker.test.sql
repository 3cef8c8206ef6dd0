begin;
select plan(10);
select pgflow_tests.reset_db();

select pgflow.register_worker(
  worker_id => '30000000-0000-4000-8000-000000000003', queue_name => 'f', function_name => 'serve_f'
);
select results_eq(
  $$ select worker_id, queue_name, function_name, deprecated_at, stopped_at, last_heartbeat_at is not null
     from pgflow.workers $$,
  $$ values ('30000000-0000-4000-8000-000000000003'::uuid, 'f', 'serve_f', null::timestamptz, null::timestamptz, true) $$,
  'a worker is registered'
);
update pgflow.workers set last_heartbeat_at = now() - interval '1 minute' where true;
select is(pgflow.heartbeat_worker(worker_id => '30000000-0000-4000-8000-000000000003'), false, 'it may go on');
select ok((select last_heartbeat_at > now() - interval '1 second' from pgflow.workers), 'its heartbeat is fresh');
select pgflow.register_worker('30000000-0000-4000-8000-000000000003', 'f', 'serve_f');
select is((select count(*)::int from pgflow.workers), 1, 'registering again is no second worker');

select pgflow.register_worker('40000000-0000-4000-8000-000000000004', 'f', 'serve_f');
select pgflow.register_worker('50000000-0000-4000-8000-000000000005', 'g', 'serve_g');
select is(
  pgflow.deprecate_workers(function_name => 'serve_f', except_worker_id => '40000000-0000-4000-8000-000000000004'),
  1, 'the others of the function are asked to stop'
);
select results_eq(
  $$ select right(w.worker_id::text, 1), pgflow.heartbeat_worker(w.worker_id) from pgflow.workers w order by 1 $$,
  $$ values ('3', true), ('4', false), ('5', false) $$,
  'a deprecated worker should stop, the others go on'
);
select is(
  pgflow.deprecate_workers('serve_f', '40000000-0000-4000-8000-000000000004'), 0,
  'asking again asks nobody'
);
select pgflow.stop_worker(worker_id => '40000000-0000-4000-8000-000000000004');
select results_eq(
  $$ select right(worker_id::text, 1), stopped_at is not null from pgflow.workers order by 1 $$,
  $$ values ('3', false), ('4', true), ('5', false) $$,
  'a worker that stops says so'
);
select is(pgflow.heartbeat_worker('40000000-0000-4000-8000-000000000004'), true, 'a stopped worker should stop');
select is(pgflow.heartbeat_worker('60000000-0000-4000-8000-000000000006'), true, 'so should an unknown one');

select finish();
rollback;
