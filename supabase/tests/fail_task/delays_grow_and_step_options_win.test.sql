begin;
select plan(4);
select pgflow_tests.reset_db();
select pgflow.create_flow('f', max_attempts => 10, base_delay => 3);
select pgflow.add_step('f', 'a');
select pgflow.add_step('f', 'b', base_delay => 0, max_attempts => 2);
select pgflow.start_flow('f', '1', run_id => '10000000-0000-4000-8000-000000000001');
create temp table delays (attempt int, step_slug text, seconds int);
create function pg_temp.fail_all(number int) returns void language sql as $$
  select pgflow_tests.make_visible('f');
  select pgflow_tests.poll_and_fail('f', 10);
  insert into delays
  select number, t.step_slug, h.seconds
  from pgflow_tests.seconds_hidden('f') h
  join pgflow.step_tasks t on t.message_id = h.msg_id;
$$;
select pg_temp.fail_all(1);

select results_eq(
  'select attempt, step_slug, seconds from delays order by attempt, step_slug',
  $$ values (1, 'a', 6), (1, 'b', 0) $$,
  'the first retry waits base_delay * 2; a step''s own base_delay wins, and 0 is no delay'
);
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'b', 0, '1');
select pg_temp.fail_all(2);
select pg_temp.fail_all(3);
select pg_temp.fail_all(4);
select results_eq(
  $$ select attempt, step_slug, seconds from delays where attempt > 1 order by attempt $$,
  $$ values (2, 'a', 12), (3, 'a', 24), (4, 'a', 48) $$,
  'each retry waits twice as long, up to a minute in the queue'
);
select is(
  (select count(distinct message_id)::int from pgflow.step_tasks where step_slug = 'a'), 1,
  'the message is the same'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
