begin;
select plan(12);
select pgflow_tests.reset_db();
select pgflow.create_flow('members', startable_by => array['authenticated']);
select pgflow.add_step('members', 'only');
select pgflow.create_flow('everybody', startable_by => array['anon', 'authenticated']);
select pgflow.add_step('everybody', 'only');

select pgflow_tests.act_as('authenticated', 'a0000000-0000-4000-8000-00000000000a');
select is(
  (
    select jsonb_build_array(r -> 'run_id', r -> 'owner', r -> 'broadcast', r -> 'status')
    from public.start_flow('members', '1', '10000000-0000-4000-8000-000000000001') r
  ),
  '["10000000-0000-4000-8000-000000000001", "a0000000-0000-4000-8000-00000000000a", true, "started"]',
  'a signed-in user owns the run that they start'
);
select throws_ok(
  $$ select public.start_flow('nothing') $$,
  'PF011', 'Cannot start flow "nothing": it does not exist, or role "authenticated" may not start it',
  'a flow that does not exist looks like one that may not be started'
);
select throws_ok(
  $$ select public.start_flow('members', '2', owner => 'b0000000-0000-4000-8000-00000000000b') $$,
  '42501', 'Cannot start flow "members": only the server may start runs for others',
  'a user cannot start a run for somebody else'
);
select is(
  public.start_flow('members', '3', owner => 'a0000000-0000-4000-8000-00000000000a') ->> 'owner',
  'a0000000-0000-4000-8000-00000000000a',
  'but may say that the run is theirs'
);

reset role;
select pgflow_tests.act_as('authenticated', 'b0000000-0000-4000-8000-00000000000b');
select throws_ok(
  $$ select public.start_flow('members', '1', '10000000-0000-4000-8000-000000000001') $$,
  'PF004', 'Cannot start flow "members": the run id or idempotency key belongs to another run',
  'another user with the same id and input is shown nothing'
);

reset role;
select pgflow_tests.act_as('authenticated');
select is(
  public.start_flow('members', '4') -> 'owner', 'null', 'a token without an id owns nothing'
);

reset role;
select pgflow_tests.act_as('anon');
select throws_ok(
  $$ select public.start_flow('members') $$,
  'PF011', 'Cannot start flow "members": it does not exist, or role "anon" may not start it',
  'who is not signed in may not start what is for members'
);
select is(
  (
    select jsonb_build_array(r -> 'owner', r -> 'broadcast', r -> 'status')
    from public.start_flow('everybody', '1', '10000000-0000-4000-8000-000000000002') r
  ),
  '[null, false, "started"]',
  'and owns nothing of what is for everybody'
);

reset role;
select * from pgflow_tests.poll_and_complete('everybody');
select pgflow_tests.act_as('anon');
select is(
  (
    select jsonb_build_array(r -> 'status', r -> 'output')
    from public.start_flow('everybody', '1', '10000000-0000-4000-8000-000000000002') r
  ),
  '["completed", null]',
  'nor sees the output when the same start is repeated'
);

reset role;
select pgflow_tests.act_as('service_role');
select is(
  public.start_flow('members', '5', owner => 'b0000000-0000-4000-8000-00000000000b') ->> 'owner',
  'b0000000-0000-4000-8000-00000000000b',
  'the server may start a run for a user'
);
select is(public.start_flow('members', '6') -> 'owner', 'null', 'or for nobody');

reset role;
select set_config('request.jwt.claims', '', true);
select is(public.start_flow('members', '7') ->> 'status', 'started', 'the owner of the schema may start all');

select finish();
rollback;
