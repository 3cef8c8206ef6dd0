begin;
select plan(3);
select pgflow_tests.reset_db();
select pgflow.create_flow('f');
select pgflow.add_step('f', 'never_free', forbidden_input_pattern => '{"plan": "free"}');
select pgflow.add_step('f', 'pro_in_time', required_input_pattern => '{"plan": "pro"}', forbidden_input_pattern => '{"late": true}');
select pgflow.start_flow('f', input, run_id => format('10000000-0000-4000-8000-%s', lpad(i::text, 12, '0'))::uuid)
from unnest(array['{"plan": "pro"}', '{"plan": "pro", "late": true}', '{"plan": "free"}', 'null']::jsonb[])
  with ordinality as x (input, i);

select results_eq(
  $$ select r.input, s.step_slug, s.status, s.skip_reason
     from pgflow.runs r join pgflow.step_states s using (run_id) order by r.run_id, s.step_slug $$,
  $$ values ('{"plan": "pro"}'::jsonb, 'never_free', 'started', null::text),
            ('{"plan": "pro"}', 'pro_in_time', 'started', null),
            ('{"plan": "pro", "late": true}', 'never_free', 'started', null),
            ('{"plan": "pro", "late": true}', 'pro_in_time', 'skipped', 'condition_unmet'),
            ('{"plan": "free"}', 'never_free', 'skipped', 'condition_unmet'),
            ('{"plan": "free"}', 'pro_in_time', 'skipped', 'condition_unmet'),
            ('null', 'never_free', 'started', null),
            ('null', 'pro_in_time', 'skipped', 'condition_unmet') $$,
  'a step runs when its input does not contain the forbidden pattern; with both, both must hold'
);
select results_eq(
  $$ select input, status, remaining_steps, output from pgflow.runs where status = 'completed' $$,
  $$ values ('{"plan": "free"}'::jsonb, 'completed', 0, '{}'::jsonb) $$,
  'a run whose steps are all skipped completes at once'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
