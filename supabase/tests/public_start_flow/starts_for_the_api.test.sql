begin;
select plan(8);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('single');
set local role service_role;

select is(
  (
    select jsonb_build_array(r -> 'run_id', r -> 'flow_slug', r -> 'status', r -> 'input', r -> 'broadcast')
    from public.start_flow(
      flow_slug => 'single', input => '{"n": 1}', run_id => '10000000-0000-4000-8000-000000000001'
    ) r
  ),
  '["10000000-0000-4000-8000-000000000001", "single", "started", {"n": 1}, true]',
  'the service role starts a run, whose events may be watched'
);
select is(
  public.start_flow('single', '{"n": 1}', '10000000-0000-4000-8000-000000000001') ->> 'run_id',
  '10000000-0000-4000-8000-000000000001',
  'again with its id is the same run'
);
select throws_ok(
  $$ select public.start_flow('single', '{"n": 2}', '10000000-0000-4000-8000-000000000001') $$,
  'PF004', 'Cannot start flow "single": the run id or idempotency key belongs to another run',
  'and with another input is refused'
);
select throws_ok(
  $$ select public.start_flow('x') $$, 'PF001', 'Cannot start flow "x": it does not exist', 'an unknown flow is named'
);
select throws_ok(
  'select * from pgflow.runs', '42501', 'permission denied for table runs', 'it may not read the tables'
);

set local role anon;
select throws_ok(
  $$ select public.start_flow('single') $$,
  'PF011', 'Cannot start flow "single": it does not exist, or role "anon" may not start it',
  'anon may not start a flow that does not say so'
);
set local role authenticated;
select throws_ok(
  $$ select public.start_flow('single') $$,
  'PF011', 'Cannot start flow "single": it does not exist, or role "authenticated" may not start it',
  'nor may a signed-in user'
);
reset role;
select results_eq(
  'select input, broadcast from pgflow.runs', $$ values ('{"n": 1}'::jsonb, true) $$, 'one run was started'
);

select finish();
rollback;
