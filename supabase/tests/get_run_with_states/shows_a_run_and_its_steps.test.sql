begin;
select plan(4);
select pgflow_tests.reset_db();
select pgflow.create_flow('f');
select pgflow.add_step('f', 'z');
select pgflow.add_step('f', 'each', array['z'], step_type => 'map');
select pgflow.add_step('f', 'a', array['each']);
select pgflow.start_flow('f', '{"n": 1}', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'z', 0, '[5, 6]');
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'each', i, to_jsonb(i)) from generate_series(0, 1) i;

select is(
  (
    select jsonb_build_object(
      'run', jsonb_build_object(
        'run_id', j -> 'run' -> 'run_id', 'flow_slug', j -> 'run' -> 'flow_slug', 'status', j -> 'run' -> 'status',
        'input', j -> 'run' -> 'input', 'remaining_steps', j -> 'run' -> 'remaining_steps'
      ),
      'steps', (
        select jsonb_agg(jsonb_build_array(s -> 'step_slug', s -> 'status', s -> 'remaining_tasks', s -> 'output'))
        from jsonb_array_elements(j -> 'steps') s
      )
    )
    from pgflow.get_run_with_states(run_id => '10000000-0000-4000-8000-000000000001') j
  ),
  '{
    "run": {"run_id": "10000000-0000-4000-8000-000000000001", "flow_slug": "f", "status": "started",
            "input": {"n": 1}, "remaining_steps": 1},
    "steps": [["z", "completed", 0, [5, 6]], ["each", "completed", 0, [0, 1]], ["a", "started", 1, null]]
  }',
  'the run, and its steps with their outputs in the order of definition'
);
select is(
  (select jsonb_agg(k order by k) from jsonb_object_keys(pgflow.get_run_with_states('10000000-0000-4000-8000-000000000001')) k),
  '["run", "steps"]',
  'and nothing beside them'
);
select ok(
  (
    select bool_and(pgflow.get_run_with_states('10000000-0000-4000-8000-000000000001') -> 'run' ? a.attname)
    from pg_attribute a where a.attrelid = 'pgflow.runs'::regclass and a.attnum > 0 and not a.attisdropped
  ),
  'the run has every column'
);
select is(pgflow.get_run_with_states('10000000-0000-4000-8000-00000000000f'), null, 'an unknown run is null');

select finish();
rollback;
