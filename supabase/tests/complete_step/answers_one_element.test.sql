begin;
select plan(4);
select pgflow_tests.reset_db();
select pgflow.create_flow('f');
select pgflow.add_step('f', 'review', step_type => 'map', performed_by => 'approval');
select pgflow.start_flow('f', '["a", "b"]', run_id => '10000000-0000-4000-8000-000000000001');

select results_eq(
  $$ select task_index, status, input from pgflow.step_tasks order by task_index $$,
  $$ values (0, 'waiting', '"a"'::jsonb), (1, 'waiting', '"b"') $$,
  'each element waits for its own answer'
);
select pgflow.complete_step('10000000-0000-4000-8000-000000000001', 'review', '"yes"', task_index => 1);
select results_eq(
  $$ select s.status, s.remaining_tasks, t.task_index, t.status
     from pgflow.step_states s join pgflow.step_tasks t using (run_id, step_slug) order by t.task_index $$,
  $$ values ('started', 1, 0, 'waiting'), ('started', 1, 1, 'completed') $$,
  'one answer is one element''s'
);
select pgflow.complete_step('10000000-0000-4000-8000-000000000001', 'review', 'null');
select results_eq(
  'select status, output from pgflow.runs', $$ values ('completed', '{"review": [null, "yes"]}'::jsonb) $$,
  'the answers are gathered in order'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
