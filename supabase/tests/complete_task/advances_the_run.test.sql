begin;
select plan(6);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('diamond');
select pgflow.start_flow('diamond', '{"n": 1}');

select pgflow_tests.poll_and_complete('diamond');

select results_eq(
  $$ select step_slug, status, remaining_deps, remaining_tasks
     from pgflow.step_states order by step_slug $$,
  $$ values ('join', 'created', 2, 1), ('left', 'started', 0, 1),
            ('right', 'started', 0, 1), ('root', 'completed', 0, 0) $$,
  'the completed step starts its dependents'
);
select results_eq(
  $$ select * from pgflow_tests.queued_steps('diamond') $$,
  $$ values ('left', 0), ('right', 0) $$,
  'the message of the completed task left the queue, those of the new tasks are in it'
);

select pgflow_tests.poll_and_complete('diamond', 2);

select results_eq(
  $$ select input from pgflow_tests.poll('diamond') $$,
  $$ values ('{"run": {"n": 1}, "left": {"step": "left", "index": 0}, "right": {"step": "right", "index": 0}}'::jsonb) $$,
  'the join gets the outputs of its direct dependencies'
);
select is(
  (select count(*)::int from pgflow.complete_task((select run_id from pgflow.runs), 'join', 0, '"done"', 1)),
  1,
  'a completed task is returned'
);
select results_eq(
  $$ select status, remaining_steps, output, completed_at is not null from pgflow.runs $$,
  $$ values ('completed', 0, '{"join": "done"}'::jsonb, true) $$,
  'the run completes with the outputs of its last steps'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
