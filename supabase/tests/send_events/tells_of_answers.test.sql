begin;
select plan(3);
select pgflow_tests.reset_db();
select pgflow_tests.reset_events();
select pgflow.create_flow('f');
select pgflow.add_step('f', 'review', performed_by => 'approval', timeout => 3600);
select pgflow.start_flow_with_states('f', '1', '10000000-0000-4000-8000-000000000001');
select pgflow.start_flow_with_states('f', '1', '10000000-0000-4000-8000-000000000002');
select pgflow.start_flow_with_states('f', '1', '10000000-0000-4000-8000-000000000003');

select pgflow.complete_step('10000000-0000-4000-8000-000000000001', 'review', 'true');
select pgflow.fail_step('10000000-0000-4000-8000-000000000002', 'review', 'not now');
select pgflow_tests.make_due('f');
select pgflow_tests.poll('f');

select results_eq(
  $$ select event, payload -> 'output' from pgflow_tests.events('10000000-0000-4000-8000-000000000001') $$,
  $$ values ('run:started', null), ('step:review:started', null), ('step:review:completed', 'true'::jsonb),
            ('run:completed', '{"review": true}') $$,
  'an answer is told'
);
select results_eq(
  $$ select event, payload ->> 'error_message' from pgflow_tests.events('10000000-0000-4000-8000-000000000002') offset 2 $$,
  $$ values ('step:review:failed', 'not now'), ('run:failed', 'Step "review" failed: not now') $$,
  'a refusal is told'
);
select results_eq(
  $$ select event, payload ->> 'error_message' from pgflow_tests.events('10000000-0000-4000-8000-000000000003') offset 2 $$,
  $$ values ('step:review:failed', '[timeout] nobody answered in time'),
            ('run:failed', 'Step "review" failed: [timeout] nobody answered in time') $$,
  'and so is the end of its time'
);

select finish();
rollback;
