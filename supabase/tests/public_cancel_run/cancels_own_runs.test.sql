begin;
select plan(6);
select pgflow_tests.reset_db();
select pgflow.create_flow('members', startable_by => array['authenticated']);
select pgflow.add_step('members', 'only');

select pgflow_tests.act_as('authenticated', 'a0000000-0000-4000-8000-00000000000a');
select public.start_flow('members', '1', '10000000-0000-4000-8000-000000000001');

reset role;
select pgflow_tests.act_as('authenticated', 'b0000000-0000-4000-8000-00000000000b');
select throws_ok(
  $$ select public.cancel_run('10000000-0000-4000-8000-000000000001') $$,
  'PF005', 'Cannot cancel run "10000000-0000-4000-8000-000000000001": it does not exist',
  'to another user the run does not exist'
);
select throws_ok(
  $$ select public.cancel_run('10000000-0000-4000-8000-000000000009') $$,
  'PF005', 'Cannot cancel run "10000000-0000-4000-8000-000000000009": it does not exist',
  'just as one that there is not'
);

reset role;
select pgflow_tests.act_as('authenticated', 'a0000000-0000-4000-8000-00000000000a');
select is(
  public.cancel_run('10000000-0000-4000-8000-000000000001') ->> 'status', 'cancelled', 'its owner cancels it'
);
select is(
  public.cancel_run('10000000-0000-4000-8000-000000000001') ->> 'status', 'cancelled', 'again changes nothing'
);
select throws_ok(
  'select public.cancel_run(null)', 'PF005', 'Cannot cancel run "": it does not exist', 'no run is no run'
);
reset role;
select is_empty('select from pgmq.q_members', 'its messages are archived');

select finish();
rollback;
