begin;
select plan(4);
select pgflow_tests.reset_db();
select pgflow.create_flow('f', max_attempts => 1);
select pgflow.add_step('f', 'each', step_type => 'map', when_exhausted => 'skip');
select pgflow.add_step('f', 'other', when_exhausted => 'skip-cascade', step_type => 'map');
select pgflow.add_step('f', 'end', array['each']);
select pgflow.start_flow('f', '[1, 2, 3]', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow_tests.poll('f', 6);
select pgflow.settle_tasks(
  (
    select jsonb_agg(jsonb_build_object(
      'run_id', run_id, 'step_slug', step_slug, 'task_index', task_index, 'attempt', 1,
      'error_message', format('%s %s broke', step_slug, task_index)
    ) order by step_slug, task_index desc)
    from pgflow.step_tasks
  )
);

select results_eq(
  $$ select step_slug, task_index, status, error_message from pgflow.step_tasks order by 1, 2 $$,
  $$ values ('each', 0, 'cancelled', null::text), ('each', 1, 'cancelled', null), ('each', 2, 'failed', 'each 2 broke'),
            ('end', 0, 'queued', null), ('other', 0, 'cancelled', null), ('other', 1, 'cancelled', null),
            ('other', 2, 'failed', 'other 2 broke') $$,
  'the first exhausted element of each step ends it, those behind it come too late'
);
select results_eq(
  $$ select step_slug, status, error_message, remaining_deps from pgflow.step_states order by 1 $$,
  $$ values ('each', 'skipped', 'each 2 broke', 0), ('end', 'started', null, 0), ('other', 'skipped', 'other 2 broke', 0) $$,
  'each step is skipped once'
);
select results_eq(
  'select status, remaining_steps from pgflow.runs', $$ values ('started', 1) $$, 'and counted once'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
