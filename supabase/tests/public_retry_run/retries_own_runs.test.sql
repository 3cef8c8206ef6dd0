begin;
select plan(6);
select pgflow_tests.reset_db();
select pgflow.create_flow('members', startable_by => array['authenticated']);
select pgflow.add_step('members', 'only');

select pgflow_tests.act_as('authenticated', 'a0000000-0000-4000-8000-00000000000a');
select public.start_flow('members', '1', '10000000-0000-4000-8000-000000000001');
select is(
  public.retry_run('10000000-0000-4000-8000-000000000001') ->> 'status', 'started', 'an open run stays as it is'
);
select public.cancel_run('10000000-0000-4000-8000-000000000001');

reset role;
select pgflow_tests.act_as('authenticated', 'b0000000-0000-4000-8000-00000000000b');
select throws_ok(
  $$ select public.retry_run('10000000-0000-4000-8000-000000000001') $$,
  'PF005', 'Cannot retry run "10000000-0000-4000-8000-000000000001": it does not exist',
  'to another user the run does not exist'
);

reset role;
select pgflow_tests.act_as('authenticated', 'a0000000-0000-4000-8000-00000000000a');
select is(
  public.retry_run('10000000-0000-4000-8000-000000000001') ->> 'status', 'started', 'its owner retries it'
);
select public.cancel_run('10000000-0000-4000-8000-000000000001');

reset role;
update pgflow.flows set startable_by = '{}' where flow_slug = 'members';
select pgflow_tests.act_as('authenticated', 'a0000000-0000-4000-8000-00000000000a');
select throws_ok(
  $$ select public.retry_run('10000000-0000-4000-8000-000000000001') $$,
  'PF011', 'Cannot start flow "members": it does not exist, or role "authenticated" may not start it',
  'an owner who may not start the flow any more may not retry either'
);
select is(
  public.get_run('10000000-0000-4000-8000-000000000001') #>> '{run,status}', 'cancelled', 'it stays cancelled'
);
reset role;
select pgflow_tests.act_as('service_role');
select is(
  public.retry_run('10000000-0000-4000-8000-000000000001') ->> 'status', 'started', 'but the server may'
);

select finish();
rollback;
