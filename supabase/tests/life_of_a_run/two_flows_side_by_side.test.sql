begin;
select plan(6);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('diamond');
select pgflow_tests.setup_flow('sequential');
select pgflow.start_flow('diamond', '1', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow.start_flow('diamond', '2', run_id => '10000000-0000-4000-8000-000000000002');
select pgflow.start_flow('sequential', '3', run_id => '10000000-0000-4000-8000-000000000003');

select pgflow_tests.poll_and_complete('diamond', 1);
select results_eq(
  $$ select right(run_id::text, 1), remaining_steps from pgflow.runs order by run_id $$,
  $$ values ('1', 3), ('2', 4), ('3', 3) $$,
  'a completed task moves its own run only'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken after one task');
select pgflow_tests.poll_and_complete('diamond', 3);
select pgflow_tests.poll_and_complete('sequential', 9);
select results_eq(
  $$ select right(run_id::text, 1), remaining_steps from pgflow.runs order by run_id $$,
  $$ values ('1', 1), ('2', 3), ('3', 2) $$,
  'each queue has its flow''s tasks'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken in the middle');
select pgflow_tests.poll_and_complete('diamond', 9) from generate_series(1, 3);
select pgflow_tests.poll_and_complete('sequential', 9) from generate_series(1, 3);
select results_eq(
  $$ select right(run_id::text, 1), status, remaining_steps, output from pgflow.runs order by run_id $$,
  $$ values ('1', 'completed', 0, '{"join": {"step": "join", "index": 0}}'::jsonb),
            ('2', 'completed', 0, '{"join": {"step": "join", "index": 0}}'),
            ('3', 'completed', 0, '{"last": {"step": "last", "index": 0}}') $$,
  'all of them complete'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken at the end');

select finish();
rollback;
