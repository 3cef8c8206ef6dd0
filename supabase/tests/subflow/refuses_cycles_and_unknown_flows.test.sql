begin;
select plan(5);
select pgflow_tests.reset_db();
select pgflow.create_flow('a', max_attempts => 1);
select pgflow.create_flow('b');
select pgflow.add_step('b', 'to_a', performed_by => 'subflow', subflow_slug => 'a');

select throws_ok(
  $$ select pgflow.add_step('a', 'to_b', performed_by => 'subflow', subflow_slug => 'b') $$,
  'PF010', 'Cannot define flow "a": it would be its own subflow', 'a flow that contains itself through another'
);
select throws_ok(
  $$ select pgflow.ensure_flow_compiled('c', '{"steps": [{"step_slug": "x", "performed_by": "subflow", "subflow_slug": "c"}]}') $$,
  'PF010', 'Cannot define flow "c": it would be its own subflow', 'a flow that contains itself'
);
select pgflow.add_step('a', 'gone', performed_by => 'subflow', subflow_slug => 'unknown');
select pgflow.start_flow('a', '1', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'gone', 0, '1');
select results_eq(
  'select status, error_message from pgflow.runs',
  $$ values ('failed', 'Step "gone" failed: [type] subflow "unknown" does not exist') $$,
  'a subflow that does not exist when it is started fails its task, and is named'
);
select is_empty($$ select flow_slug from pgflow.flows where flow_slug = 'c' $$, 'the refused flow is not there');
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
