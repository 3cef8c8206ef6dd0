begin;
select plan(9);
select pgflow_tests.reset_db();
select pgflow.create_flow('child');
select pgflow.add_step('child', 'inner');
select pgflow.create_flow('parent');
select pgflow.add_step('parent', 'sub', performed_by => 'subflow', subflow_slug => 'child');
select pgflow.add_step('parent', 'end', array['sub']);
select pgflow.start_flow('parent', '{"n": 1}', run_id => '10000000-0000-4000-8000-000000000001');

select results_eq(
  $$ select step_slug, input from pgflow_tests.poll('parent') $$,
  $$ values ('sub', '{"run": {"n": 1}}'::jsonb) $$,
  'the handler of a subflow step is called like any other'
);
select results_eq(
  $$ select step_slug, status, child_run_id is not null
     from pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'sub', 0, '{"m": 2}', 1) $$,
  $$ values ('sub', 'waiting', true) $$,
  'what it returns is the input of a child run, for which the task waits'
);
select results_eq(
  $$ select c.flow_slug, c.status, c.input, c.root_run_id, c.parent_run_id, c.parent_step_slug, c.parent_task_index,
            t.child_run_id = c.run_id
     from pgflow.runs c join pgflow.step_tasks t on t.run_id = c.parent_run_id where c.flow_slug = 'child' $$,
  $$ values ('child', 'started', '{"m": 2}'::jsonb, '10000000-0000-4000-8000-000000000001'::uuid,
             '10000000-0000-4000-8000-000000000001'::uuid, 'sub', 0, true) $$,
  'the child knows its place'
);
select is_empty($$ select * from pgflow_tests.queued_steps('parent') $$, 'the parent''s queue is empty');
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken while it waits');
select pgflow.complete_task(run_id, 'inner', 0, '"out"') from pgflow.runs where flow_slug = 'child';
select results_eq(
  $$ select step_slug, input from pgflow_tests.poll('parent') $$,
  $$ values ('end', '{"run": {"n": 1}, "sub": {"inner": "out"}}'::jsonb) $$,
  'the child''s output is the step''s'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken behind it');
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'end', 0, '1');
select results_eq(
  $$ select flow_slug, status, output from pgflow.runs order by flow_slug $$,
  $$ values ('child', 'completed', '{"inner": "out"}'::jsonb), ('parent', 'completed', '{"end": 1}') $$,
  'both complete'
);
select throws_ok(
  $$ select pgflow.retry_run(run_id) from pgflow.runs where flow_slug = 'child' $$, '55000', null,
  'a child is retried through its root'
);

select finish();
rollback;
