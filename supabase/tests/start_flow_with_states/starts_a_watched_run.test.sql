begin;
select plan(5);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('sequential');

select is(
  (
    select jsonb_build_array(
      j -> 'run' -> 'run_id', j -> 'run' -> 'status', j -> 'run' -> 'input',
      (select jsonb_agg(jsonb_build_array(s -> 'step_slug', s -> 'status')) from jsonb_array_elements(j -> 'steps') s)
    )
    from pgflow.start_flow_with_states(
      flow_slug => 'sequential', input => '{"n": 1}', run_id => '10000000-0000-4000-8000-000000000001'
    ) j
  ),
  '["10000000-0000-4000-8000-000000000001", "started", {"n": 1},
    [["first", "started"], ["second", "created"], ["last", "created"]]]',
  'the run is returned as get_run_with_states shows it'
);
select results_eq('select broadcast from pgflow.runs', $$ values (true) $$, 'its events may be watched');
select is(
  pgflow.start_flow_with_states('sequential', '{"n": 1}', '10000000-0000-4000-8000-000000000001'),
  pgflow.get_run_with_states('10000000-0000-4000-8000-000000000001'),
  'again with its id returns the same run'
);
select throws_ok(
  $$ select pgflow.start_flow_with_states('sequential', '{"n": 2}', '10000000-0000-4000-8000-000000000001') $$,
  'PF004', 'Cannot start flow "sequential": the run id or idempotency key belongs to another run',
  'and with another input is refused'
);
select is((select count(*)::int from pgflow.runs), 1, 'there is one run');

select finish();
rollback;
