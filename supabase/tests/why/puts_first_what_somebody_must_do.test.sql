begin;
select plan(3);
select pgflow_tests.reset_db();
select pgflow.create_flow('f');
select pgflow.add_step('f', 'late', start_delay => 100);
select pgflow.add_step('f', 'sign', performed_by => 'approval');
select pgflow.add_step('f', 'work');
select pgflow.start_flow('f', '1', run_id => '10000000-0000-4000-8000-000000000001');

update pgmq.q_f set vt = now() - interval '1 minute' where true;

select results_eq(
  $$ select reason, step_slug from pgflow.why('10000000-0000-4000-8000-000000000001') $$,
  $$ values ('no live worker for flow "f"', 'work') $$,
  'one row, and a worker that is missing is it'
);
select pgflow.register_worker(gen_random_uuid(), 'f', 'f');
select results_eq(
  $$ select reason, step_slug from pgflow.why('10000000-0000-4000-8000-000000000001') $$,
  $$ values ('waiting for an approval of step "sign"', 'sign') $$,
  'then a person'
);
select pgflow.complete_step('10000000-0000-4000-8000-000000000001', 'sign', '1');
select pgflow_tests.poll_and_complete('f');
select results_eq(
  $$ select reason, step_slug from pgflow.why('10000000-0000-4000-8000-000000000001') $$,
  $$ values ('waiting for the start delay of step "late"', 'late') $$,
  'then what passes by itself'
);

select finish();
rollback;
