begin;
select plan(4);
select pgflow_tests.reset_db();
select pgflow.create_flow('f');
select pgflow.add_step('f', 'each', step_type => 'map', start_delay => 60);
select count(*) from pgflow.start_flow('f', (select jsonb_agg(i) from generate_series(1, 1500) i));
update pgflow.step_tasks set due_at = clock_timestamp() - interval '1 second' where true;

select is((select count(*)::int from pgflow_tests.poll('f', 1)), 1, 'a poll claims what it asked for');
select is((select count(*)::int from pgmq.q_f), 1000, 'and lets a bounded batch enter the queue');
select pgflow_tests.poll('f', 1);
select is((select count(*)::int from pgmq.q_f), 1500, 'the next poll lets in the rest');
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
