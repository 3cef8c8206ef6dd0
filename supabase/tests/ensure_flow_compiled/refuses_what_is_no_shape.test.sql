begin;
select plan(10);
select pgflow_tests.reset_db();
select pgflow.create_flow('Taken');

select throws_ok(
  $$ select pgflow.ensure_flow_compiled('f', '{}') $$,
  '22023', 'Cannot compile flow "f": its shape has no array "steps"',
  'no steps'
);
select throws_ok(
  $$ select pgflow.ensure_flow_compiled('f', null) $$,
  '22023', 'Cannot compile flow "f": its shape has no array "steps"',
  'null'
);
select throws_ok(
  $$ select pgflow.ensure_flow_compiled('f', '{"steps": [{"step_slug": "a", "deps_slugs": ["x"]}]}') $$,
  'PF002', 'Cannot compile flow "f": step "a" depends on "x", which does not come before it',
  'a missing dependency'
);
select throws_ok(
  $$ select pgflow.ensure_flow_compiled('f', '{"steps": [{"step_slug": "a", "deps_slugs": ["a"]}]}') $$,
  'PF002', 'Cannot compile flow "f": step "a" depends on "a", which does not come before it',
  'a dependency on itself'
);
select throws_ok(
  $$ select pgflow.ensure_flow_compiled('f', '{"steps": [
       {"step_slug": "a", "deps_slugs": ["b"]}, {"step_slug": "b", "deps_slugs": ["a"]}
     ]}') $$,
  'PF002', 'Cannot compile flow "f": step "a" depends on "b", which does not come before it',
  'a cycle'
);
select throws_ok(
  $$ select pgflow.ensure_flow_compiled('f', '{"steps": [{"step_slug": "in-valid"}]}') $$,
  '23514', 'new row for relation "steps" violates check constraint "steps_step_slug_check"',
  'an invalid step slug'
);
select throws_ok(
  $$ select pgflow.ensure_flow_compiled('in-valid', '{"steps": []}') $$,
  '23514', 'new row for relation "flows" violates check constraint "slug_is_valid"',
  'an invalid flow slug'
);
select throws_ok(
  $$ select pgflow.ensure_flow_compiled('taken', '{"steps": []}') $$,
  'PF006', 'Cannot create flow "taken": it differs from flow "Taken" only by case',
  'a slug that would share a queue'
);
select results_eq('select flow_slug from pgflow.flows', $$ values ('Taken') $$, 'no flow was left behind');
select results_eq('select queue_name::text from pgmq.meta', $$ values ('Taken') $$, 'and no queue');

select finish();
rollback;
