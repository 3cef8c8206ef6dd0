begin;
select plan(9);
select pgflow_tests.reset_db();
select pgflow.create_flow('f', max_attempts => 2, base_delay => 0);
select pgflow.add_step('f', 'list');
select pgflow.add_step('f', 'each', array['list'], step_type => 'map');
select pgflow.add_step('f', 'beside', array['list']);
select pgflow.add_step('f', 'end', array['each', 'beside']);
select pgflow.start_flow('f', '1', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'list', 0, '[1, 2, 3]');
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'each', 0, '"one"');
select pgflow.fail_task('10000000-0000-4000-8000-000000000001', 'each', 1, 'no') from generate_series(1, 2);

select results_eq(
  $$ select status, error_message, remaining_steps, failed_at from pgflow.retry_run('10000000-0000-4000-8000-000000000001') $$,
  $$ values ('started', null::text, 3, null::timestamptz) $$,
  'a failed run is open again, without its error'
);
select results_eq(
  $$ select step_slug, status, remaining_tasks, remaining_deps, error_message from pgflow.step_states order by 1 $$,
  $$ values ('beside', 'started', 1, 0, null::text), ('each', 'started', 2, 0, null),
            ('end', 'created', 1, 2, null), ('list', 'completed', 0, 0, null) $$,
  'completed steps keep their state, the others start again'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken before the next poll');
select results_eq(
  $$ select step_slug, task_index, attempt from pgflow_tests.poll('f', 9) order by 1, 2 $$,
  $$ values ('beside', 0, 1), ('each', 1, 3), ('each', 2, 1) $$,
  'only what did not complete is handed out; the number of an attempt never comes again'
);
select is_empty(
  $$ select * from pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'each', 1, '"late"', 2) $$,
  'an attempt from before is closed'
);
select results_eq(
  $$ select status, attempts_count, attempts_forgiven
     from pgflow.fail_task('10000000-0000-4000-8000-000000000001', 'each', 1, 'again', 3) $$,
  $$ values ('queued', 3, 2) $$,
  'attempts start afresh'
);
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'each', i, to_jsonb(i)) from generate_series(1, 2) i;
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'beside', 0, 'true');
select results_eq(
  $$ select step_slug, input from pgflow_tests.poll('f', 9) $$,
  $$ values ('end', '{"run": 1, "each": ["one", 1, 2], "beside": true}'::jsonb) $$,
  'a map gathers old outputs and new ones'
);
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'end', 0, '"done"');
select results_eq(
  'select status, output from pgflow.runs', $$ values ('completed', '{"end": "done"}'::jsonb) $$, 'the run completes'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
