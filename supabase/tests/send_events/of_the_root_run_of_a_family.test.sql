begin;
select plan(2);
select pgflow_tests.reset_db();
select pgflow_tests.reset_events();
select pgflow.create_flow('child');
select pgflow.add_step('child', 'work');
select pgflow.create_flow('parent');
select pgflow.add_step('parent', 'sub', performed_by => 'subflow', subflow_slug => 'child');
select pgflow.start_flow_with_states('parent', '1', '10000000-0000-4000-8000-000000000001');
select pgflow_tests.poll_and_complete('parent');
select pgflow_tests.poll_and_complete('child');

select results_eq(
  $$ select event from pgflow_tests.events('10000000-0000-4000-8000-000000000001') $$,
  $$ values ('run:started'), ('step:sub:started'), ('step:sub:completed'), ('run:completed') $$,
  'what a child run reports moves the run that is watched'
);
select is(
  (select count(*) from realtime.messages where topic like 'pgflow:%'), 4::bigint, 'the child run itself is silent'
);

select finish();
rollback;
