begin;
select plan(6);
select pgflow_tests.reset_db();
select pgflow.create_flow('f');
select pgflow.add_step('f', 'a');
select pgflow.add_step('f', 'b', array['a']);

select throws_ok(
  $$ select pgflow.add_step('f', 'b') $$,
  'PF007', 'Cannot add step "b" to flow "f": it exists with another type or other dependencies',
  'a dependency less'
);
select throws_ok(
  $$ select pgflow.add_step('f', 'a', array['b']) $$,
  'PF007', 'Cannot add step "a" to flow "f": it exists with another type or other dependencies',
  'a dependency more, which would be a cycle'
);
select throws_ok(
  $$ select pgflow.add_step('f', 'b', array['a'], step_type => 'map') $$,
  'PF007', 'Cannot add step "b" to flow "f": it exists with another type or other dependencies',
  'another type'
);
select throws_ok(
  $$ select pgflow.add_step('f', 'b', array['a'], performed_by => 'approval') $$,
  'PF007', 'Cannot add step "b" to flow "f": it exists with another type or other dependencies',
  'another performer'
);
select results_eq(
  $$ select step_slug, step_type, performed_by, deps_count from pgflow.steps order by step_index $$,
  $$ values ('a', 'single', 'handler', 0), ('b', 'single', 'handler', 1) $$,
  'the steps are as they were'
);
select results_eq(
  $$ select dep_slug, step_slug from pgflow.deps $$,
  $$ values ('a', 'b') $$,
  'and so are their dependencies'
);

select finish();
rollback;
