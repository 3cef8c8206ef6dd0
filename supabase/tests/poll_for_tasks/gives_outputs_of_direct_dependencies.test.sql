begin;
select plan(3);
select pgflow_tests.reset_db();
select pgflow.create_flow('f');
select pgflow.add_step('f', 'a');
select pgflow.add_step('f', 'b', array['a']);
select pgflow.add_step('f', 'c', array['b']);
select pgflow.add_step('f', 'd', array['a', 'c']);
select pgflow.start_flow('f', '{"n": 1}', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'a', 0, 'null');

select results_eq(
  $$ select step_slug, input from pgflow_tests.poll('f', 5) $$,
  $$ values ('b', '{"run": {"n": 1}, "a": null}'::jsonb) $$,
  'an output of null is an output'
);
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'b', 0, '{"b": 1}');
select results_eq(
  $$ select step_slug, input from pgflow_tests.poll('f', 5) $$,
  $$ values ('c', '{"run": {"n": 1}, "b": {"b": 1}}'::jsonb) $$,
  'outputs of indirect dependencies are absent'
);
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'c', 0, 'false');
select results_eq(
  $$ select step_slug, input from pgflow_tests.poll('f', 5) $$,
  $$ values ('d', '{"run": {"n": 1}, "a": null, "c": false}'::jsonb) $$,
  'all direct ones are there'
);

select finish();
rollback;
