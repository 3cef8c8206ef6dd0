begin;
select plan(4);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('sequential');
select pgflow.start_flow('sequential', '1', run_id => '10000000-0000-4000-8000-000000000001');

select results_eq(
  $$ select flow_slug, step_slug, task_index, status, attempts_count, output, started_at,
            completed_at is not null
     from pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'first', 0, '"done"') $$,
  $$ values ('sequential', 'first', 0, 'completed', 0, '"done"'::jsonb, null::timestamptz, true) $$,
  'a task that was never polled completes'
);
select results_eq(
  $$ select step_slug, status, remaining_deps, remaining_tasks, completed_at is not null
     from pgflow.step_states order by step_slug $$,
  $$ values ('first', 'completed', 0, 0, true), ('last', 'created', 1, 1, false),
            ('second', 'started', 0, 1, false) $$,
  'its step completes and its dependent starts'
);
select results_eq(
  $$ select * from pgflow_tests.queued_steps('sequential') $$,
  $$ values ('second', 0) $$,
  'its message left the queue'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
