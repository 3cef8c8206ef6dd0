begin;
select plan(13);
select pgflow_tests.reset_db();

create function pg_temp.acquire(worker int, deployment text default null)
  returns int
  language sql
as $$
  select right(
    pgflow.acquire_worker(
      worker_id => ('10000000-0000-4000-8000-00000000000' || worker)::uuid,
      function_name => 'serve',
      queue_names => array['f', 'g'],
      deployment => acquire.deployment,
      lease_ms => 15000
    )::text,
    1
  )::int;
$$;

select is(pg_temp.acquire(1), 1, 'the first worker gets the lease');
select is(pg_temp.acquire(2), 1, 'another one hears who has it');
select is(pg_temp.acquire(1), 1, 'asking again is no harm');
select results_eq(
  $$ select queue_name, function_name, lease_ms from pgflow.workers $$,
  $$ values ('f,g', 'serve', 15000) $$,
  'only the first is registered'
);
select results_eq(
  $$ select function_name, queue_names, registered_at is not null from pgflow.functions $$,
  $$ values ('serve', array['f', 'g'], true) $$,
  'the function''s flows are known'
);

select pgflow.drain_worker('10000000-0000-4000-8000-000000000001');
select pgflow.drain_worker('10000000-0000-4000-8000-000000000001', is_draining => false);
select is(pg_temp.acquire(2), 1, 'one that calls nobody after all keeps the lease');
select pgflow.drain_worker('10000000-0000-4000-8000-000000000001');
select is(pg_temp.acquire(2), 2, 'a worker that called its successor lets it in');
select is(
  pgflow.heartbeat_worker('10000000-0000-4000-8000-000000000001'), true,
  'and hears that it takes no more'
);
select pgflow.stop_worker('10000000-0000-4000-8000-000000000002');
select is(pg_temp.acquire(3), 3, 'a stopped worker has no lease');
update pgflow.workers set last_heartbeat_at = now() - interval '14 seconds' where true;
select is(pg_temp.acquire(4), 3, 'a worker is alive until its lease ends');
update pgflow.workers set last_heartbeat_at = now() - interval '16 seconds' where true;
select is(pg_temp.acquire(4), 4, 'and gone when it has');
select results_eq(
  $$ select right(worker_id::text, 1), state, queue_names from pgflow.live_workers $$,
  $$ values ('4', 'running', array['f', 'g']) $$,
  'one worker lives'
);
select pgflow.register_worker('10000000-0000-4000-8000-000000000005', 'f', 'serve');
select is(
  (select count(*)::int from pgflow.live_workers where state = 'running'), 2,
  'register_worker asks for no lease'
);

select finish();
rollback;
