begin;
select plan(2);
select pgflow_tests.reset_db();
select pgflow.create_flow('f', base_delay => 0);
select pgflow.add_step('f', 'a');
select pgflow.add_step('f', 'b', array['a']);
select pgflow.start_flow('f', '1');
select pgflow_tests.poll_and_fail('f');
select pgflow_tests.poll_and_complete('f');

select lives_ok(
  $$
    delete from pgflow.step_tasks;
    delete from pgflow.step_states;
    delete from pgflow.runs;
    delete from pgflow.deps;
    delete from pgflow.steps;
    delete from pgflow.flows;
  $$,
  'the six tables are cleared by plain deletes in that order'
);
select is_empty('select * from pgflow.task_failures', 'what refers to them goes with them');

select finish();
rollback;
