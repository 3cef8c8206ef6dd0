begin;
select plan(5);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('map_chain');
select pgflow.start_flow('map_chain', '1');

select is(
  (
    select count(*)::int
    from pgflow.runs r
    cross join lateral pgflow.complete_task(r.run_id, 'list', 0, '{"not": "an array"}')
  ),
  1, 'the dependency itself completes'
);
select results_eq(
  $$ select r.status, s.step_slug, s.status
     from pgflow.runs r join pgflow.step_states s using (run_id) order by s.step_slug $$,
  $$ values ('failed', 'again', 'cancelled'), ('failed', 'each', 'failed'),
            ('failed', 'list', 'completed'), ('failed', 'sum', 'cancelled') $$,
  'the map fails and the run with it'
);
select results_eq(
  $$ select r.error_message, s.error_message from pgflow.runs r join pgflow.step_states s using (run_id)
     where s.step_slug = 'each' $$,
  $$ values ('Step "each" failed: [type] map step "each" needs an array, but its dependency "list" returned object',
             '[type] map step "each" needs an array, but its dependency "list" returned object') $$,
  'the message names both steps and what came'
);
select is_empty($$ select * from pgflow_tests.queued_steps('map_chain') $$, 'nothing is queued');
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
