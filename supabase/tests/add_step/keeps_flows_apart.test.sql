begin;
select plan(3);
select pgflow_tests.reset_db();
select pgflow.create_flow('one');
select pgflow.create_flow('two');
select pgflow.add_step('one', 'a');
select pgflow.add_step('one', 'b', array['a']);
select pgflow.add_step('two', 'b');

select results_eq(
  $$ select flow_slug, step_slug, step_index, deps_count
     from pgflow.steps order by flow_slug, step_index $$,
  $$ values ('one', 'a', 0, 0), ('one', 'b', 1, 1), ('two', 'b', 0, 0) $$,
  'steps of the same name in two flows have nothing in common'
);
select throws_ok(
  $$ select pgflow.add_step('two', 'c', array['a']) $$,
  '23503',
  'insert or update on table "deps" violates foreign key constraint "deps_flow_slug_dep_slug_fkey"',
  'a step of another flow is no dependency'
);
select results_eq(
  $$ select flow_slug, dep_slug, step_slug from pgflow.deps $$,
  $$ values ('one', 'a', 'b') $$,
  'dependencies stay in their flow'
);

select finish();
rollback;
