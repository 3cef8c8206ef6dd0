begin;
select plan(4);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('single');
select pgflow.start_flow('single', '1', run_id => '10000000-0000-4000-8000-000000000001');
select pgmq.send('single', q.message) from pgmq.q_single q;
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'only', 0, '1');

select is((select count(*)::int from pgmq.q_single), 1, 'one message points to a task that has ended');
select is_empty($$ select * from pgflow_tests.poll('single', 5) $$, 'it returns nothing');
select is_empty('select msg_id from pgmq.q_single', 'and left the queue');
select is((select count(*)::int from pgmq.a_single), 2, 'for the archive');

select finish();
rollback;
