begin;
select plan(4);
select pgflow_tests.reset_db();
select pgflow.create_flow('child');
select pgflow.add_step('child', 'ask', performed_by => 'approval', assignee => 'owner');
select pgflow.create_flow('parent', startable_by => array['authenticated'], on_failure_slug => 'hook');
select pgflow.add_step('parent', 'run_child', performed_by => 'subflow', subflow_slug => 'child');
select pgflow.create_flow('hook');
select pgflow.add_step('hook', 'mend');

select pgflow_tests.act_as('authenticated', 'a0000000-0000-4000-8000-00000000000a');
select public.start_flow('parent', '1', '10000000-0000-4000-8000-000000000001');
reset role;
select * from pgflow_tests.poll_and_complete('parent');
select pgflow_tests.act_as('authenticated', 'a0000000-0000-4000-8000-00000000000a');

select results_eq(
  'select flow_slug from public.list_runs()', array['parent'], 'a child run is not listed'
);
reset role;
select set_config('pgflow_tests.child', (select run_id::text from pgflow.runs where flow_slug = 'child'), true);
select pgflow_tests.act_as('authenticated', 'a0000000-0000-4000-8000-00000000000a');
select is(
  public.get_run(current_setting('pgflow_tests.child')::uuid) #> '{run,parent_run_id}',
  '"10000000-0000-4000-8000-000000000001"',
  'but belongs to the owner of its parent'
);
select is(
  public.fail_step(current_setting('pgflow_tests.child')::uuid, 'ask', 'no') ->> 'status',
  'failed',
  'who may answer what is asked there'
);

reset role;
update pgflow.steps set opt_max_attempts = 1 where true;
select pgflow_tests.make_due('parent');
select * from pgflow_tests.poll_and_fail('parent');
select is(
  (select owner from pgflow.runs where flow_slug = 'hook'), null, 'what runs after a failure is the server''s'
);

select finish();
rollback;
