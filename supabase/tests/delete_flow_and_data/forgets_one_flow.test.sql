begin;
select plan(4);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('single');
select pgflow_tests.setup_flow('sequential');
select pgflow.start_flow('single', '1');
select pgflow.start_flow('sequential', '1');
select pgflow_tests.poll_and_fail('single');

select pgflow.delete_flow_and_data('single');
select results_eq(
  $$ select f.flow_slug, (select count(*)::int from pgflow.steps), (select count(*)::int from pgflow.runs),
            (select count(*)::int from pgflow.step_tasks), (select count(*)::int from pgflow.task_failures)
     from pgflow.flows f $$,
  $$ values ('sequential', 3, 1, 1, 0) $$,
  'nothing of the flow is left, the other is untouched'
);
select results_eq('select queue_name::text from pgmq.meta', $$ values ('sequential') $$, 'its queue is gone');
select lives_ok($$ select pgflow.delete_flow_and_data('single') $$, 'an unknown flow is nothing to forget');
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
