begin;
select plan(4);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('single');

create temp table first_ids as select run_id from pgflow.start_flow('single', '1');
select pg_sleep(0.002);
create temp table later_ids as
select run_id from pgflow.start_flows('single', (select jsonb_agg(i) from generate_series(1, 50) i));

select is(
  (select count(distinct run_id)::int from (table first_ids union all table later_ids) r), 51,
  'each run has an id of its own'
);
select ok(
  (select bool_and(run_id::text ~ '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$')
   from (table first_ids union all table later_ids) r),
  'the ids are UUIDs of version 7'
);
select ok(
  (select min(l.run_id::text) > max(f.run_id::text) from first_ids f, later_ids l),
  'the ids of later runs are greater'
);
select ok(
  (select bool_and(
     abs(('x' || substr(replace(run_id::text, '-', ''), 1, 12))::bit(48)::bigint
       - extract(epoch from clock_timestamp()) * 1000) < 60000
   ) from later_ids),
  'they begin with the time'
);

select finish();
rollback;
