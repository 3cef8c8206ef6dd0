begin;
select plan(11);
select pgflow_tests.reset_db();

create function pg_temp.acquire(worker int, deployment text)
  returns int
  language sql
as $$
  select right(
    pgflow.acquire_worker(
      ('10000000-0000-4000-8000-00000000000' || worker)::uuid, 'serve', array['f'], acquire.deployment
    )::text,
    1
  )::int;
$$;

select is(pg_temp.acquire(1, 'ref_fn_9'), 1, 'version 9 starts');
select is(pg_temp.acquire(2, 'ref_fn_9'), 1, 'the same version does not start twice');
select is(pg_temp.acquire(2, null), 1, 'an unknown version counts as the same');
select is(pg_temp.acquire(2, 'ref_fn_10'), 2, 'version 10 starts beside it');
select results_eq(
  $$ select right(worker_id::text, 1), state from pgflow.live_workers order by 1 $$,
  $$ values ('1', 'deprecated'), ('2', 'running') $$,
  'the older one is deprecated'
);
select is(pgflow.heartbeat_worker('10000000-0000-4000-8000-000000000001'), true, 'and hears so');
select is(pgflow.heartbeat_worker('10000000-0000-4000-8000-000000000002'), false, 'the newer goes on');
select is(pg_temp.acquire(3, 'ref_fn_9'), 2, 'a late isolate of version 9 does not start');
select is(pg_temp.acquire(3, 'another'), 3, 'names that tell no order: who comes later is newer');
select pgflow.register_worker('10000000-0000-4000-8000-000000000004', 'g', 'other');
select is(pg_temp.acquire(5, 'yet another'), 5, 'once more');
select is(
  (select state from pgflow.live_workers where function_name = 'other'), 'running',
  'workers of other functions go on'
);

select finish();
rollback;
