begin;
select plan(4);
select pgflow_tests.reset_db();
select pgflow.create_flow('f');
select pgflow.add_step('f', 'nothing');
select pgflow.add_step('f', 'zero');
select pgflow.add_step('f', 'no');
select pgflow.add_step('f', 'blank');
select pgflow.add_step('f', 'text');
select pgflow.add_step('f', 'number');
select pgflow.add_step('f', 'join', array['nothing', 'zero', 'no', 'blank', 'text', 'number']);
select pgflow.start_flow('f', '1', run_id => '10000000-0000-4000-8000-000000000001');
select c.*
from (values
  ('nothing', 'null'::jsonb), ('zero', '0'), ('no', 'false'), ('blank', '""'), ('text', '"42"'), ('number', '42')
) o (step_slug, output)
cross join lateral pgflow.complete_task('10000000-0000-4000-8000-000000000001', o.step_slug, 0, o.output) c;

select results_eq(
  $$ select step_slug, status, output from pgflow.step_tasks where step_slug <> 'join' order by step_slug $$,
  $$ values ('blank', 'completed', '""'::jsonb), ('no', 'completed', 'false'),
            ('nothing', 'completed', 'null'), ('number', 'completed', '42'),
            ('text', 'completed', '"42"'), ('zero', 'completed', '0') $$,
  'each output is stored as it came'
);
select results_eq(
  $$ select input from pgflow_tests.poll('f', 10) $$,
  $$ values ('{"run": 1, "nothing": null, "zero": 0, "no": false, "blank": "", "text": "42", "number": 42}'::jsonb) $$,
  'and handed on as it was stored'
);
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'join', 0, null);
select results_eq(
  $$ select status, output from pgflow.runs $$,
  $$ values ('completed', '{"join": null}'::jsonb) $$,
  'SQL null is the output null'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
