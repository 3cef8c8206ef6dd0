begin;
select plan(4);
select pgflow_tests.reset_db();
select pgflow.create_flow('f');
select pgflow.add_step('f', 'root', required_input_pattern => '{"plan": "pro", "a": {"b": 1}}');
select pgflow.start_flow('f', input, run_id => format('10000000-0000-4000-8000-%s', lpad(i::text, 12, '0'))::uuid)
from unnest(array[
  '{"plan": "pro", "a": {"b": 1, "c": 2}, "more": true}', '{"plan": "pro", "a": {"b": 1}}',
  '{"plan": "free", "a": {"b": 1}}', '{"plan": "pro"}', '"pro"', 'null', '[{"plan": "pro", "a": {"b": 1}}]'
]::jsonb[]) with ordinality as x (input, i);

select results_eq(
  $$ select r.input, r.status, s.status, s.skip_reason
     from pgflow.runs r join pgflow.step_states s using (run_id) order by r.run_id $$,
  $$ values ('{"plan": "pro", "a": {"b": 1, "c": 2}, "more": true}'::jsonb, 'started', 'started', null::text),
            ('{"plan": "pro", "a": {"b": 1}}', 'started', 'started', null),
            ('{"plan": "free", "a": {"b": 1}}', 'completed', 'skipped', 'condition_unmet'),
            ('{"plan": "pro"}', 'completed', 'skipped', 'condition_unmet'),
            ('"pro"', 'completed', 'skipped', 'condition_unmet'),
            ('null', 'completed', 'skipped', 'condition_unmet'),
            ('[{"plan": "pro", "a": {"b": 1}}]', 'completed', 'skipped', 'condition_unmet') $$,
  'a root step runs when the flow''s input contains the pattern'
);

select pgflow.create_flow('g');
select pgflow.add_step('g', 'a');
select pgflow.add_step('g', 'b');
select pgflow.add_step('g', 'join', array['a', 'b'], required_input_pattern => '{"run": {"n": 1}, "a": {"ok": true}, "b": null}');
select pgflow.start_flow('g', '{"n": 1}', run_id => '20000000-0000-4000-8000-000000000001');
select pgflow.start_flow('g', '{"n": 2}', run_id => '20000000-0000-4000-8000-000000000002');
select pgflow.complete_task(run_id, 'a', 0, '{"ok": true}') from pgflow.runs where flow_slug = 'g';
select pgflow.complete_task(run_id, 'b', 0, 'null') from pgflow.runs where flow_slug = 'g';
select results_eq(
  $$ select right(run_id::text, 1), status, skip_reason from pgflow.step_states where step_slug = 'join' order by 1 $$,
  $$ values ('1', 'started', null::text), ('2', 'skipped', 'condition_unmet') $$,
  'any other step when the object of run and its dependencies'' outputs does'
);
select results_eq(
  $$ select status, output from pgflow.runs where run_id = '20000000-0000-4000-8000-000000000002' $$,
  $$ values ('completed', '{}'::jsonb) $$,
  'a run whose last step is skipped completes without its output'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
