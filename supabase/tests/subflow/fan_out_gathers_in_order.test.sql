begin;
select plan(4);
select pgflow_tests.reset_db();
select pgflow.create_flow('empty');
select pgflow.create_flow('child');
select pgflow.add_step('child', 'inner');
select pgflow.create_flow('parent');
select pgflow.add_step('parent', 'each', step_type => 'map', performed_by => 'subflow', subflow_slug => 'child');
select pgflow.add_step('parent', 'nothing', array['each'], performed_by => 'subflow', subflow_slug => 'empty');
select pgflow.start_flow('parent', '["a", "b", "c"]', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow.settle_tasks((
  select jsonb_agg(jsonb_build_object('run_id', t.run_id, 'step_slug', t.step_slug, 'task_index', t.task_index,
                                      'attempt', t.attempt, 'output', t.input))
  from pgflow_tests.poll('parent', 5) t
));
select results_eq(
  $$ select parent_task_index, input, status from pgflow.runs where flow_slug = 'child' order by 1 $$,
  $$ values (0, '"a"'::jsonb, 'started'), (1, '"b"', 'started'), (2, '"c"', 'started') $$,
  'a child run per element'
);
select pgflow.settle_tasks((
  select jsonb_agg(jsonb_build_object('run_id', t.run_id, 'step_slug', t.step_slug, 'task_index', t.task_index,
                                      'attempt', t.attempt, 'output', t.input -> 'run') order by t.run_id)
  from pgflow_tests.poll('child', 5) t
));
select results_eq(
  $$ select step_slug, status, output from pgflow.step_states where flow_slug = 'parent' order by 1 $$,
  $$ values ('each', 'completed', '[{"inner": "a"}, {"inner": "b"}, {"inner": "c"}]'::jsonb), ('nothing', 'started', null) $$,
  'their outputs are gathered in the order of elements'
);
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'nothing', 0, '1');
select results_eq(
  $$ select status, output from pgflow.runs where flow_slug = 'parent' $$,
  $$ values ('completed', '{"nothing": {}}'::jsonb) $$,
  'a child that completes as it starts lets its parent go on in the same call'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
