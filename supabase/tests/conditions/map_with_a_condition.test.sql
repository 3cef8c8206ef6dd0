begin;
select plan(3);
select pgflow_tests.reset_db();
select pgflow.create_flow('f');
select pgflow.add_step('f', 'list');
select pgflow.add_step('f', 'each', array['list'], step_type => 'map', required_input_pattern => '{"list": ["go"]}');
select pgflow.start_flow('f', '1', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow.start_flow('f', '2', run_id => '10000000-0000-4000-8000-000000000002');
select pgflow.start_flow('f', '3', run_id => '10000000-0000-4000-8000-000000000003');
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'list', 0, '["a", "go"]');
select pgflow.complete_task('10000000-0000-4000-8000-000000000002', 'list', 0, '["a"]');
select pgflow.complete_task('10000000-0000-4000-8000-000000000003', 'list', 0, '"go"');

select results_eq(
  $$ select right(s.run_id::text, 1), r.status, s.status, s.skip_reason
     from pgflow.step_states s join pgflow.runs r using (run_id) where s.step_slug = 'each' order by 1 $$,
  $$ values ('1', 'started', 'started', null::text), ('2', 'completed', 'skipped', 'condition_unmet'),
            ('3', 'completed', 'skipped', 'condition_unmet') $$,
  'a map''s condition looks at its whole input, before its array'
);
select is(
  (select count(*)::int from pgflow.step_tasks where step_slug = 'each'), 2, 'it has tasks where it is met'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
