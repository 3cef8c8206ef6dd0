begin;
select plan(12);
select pgflow_tests.reset_db();
select pgflow.create_flow('f');
select pgflow.add_step('f', 'a');
select pgflow.add_step('f', 'b');

select throws_ok(
  $$ select pgflow.add_step('f', 'in-valid') $$,
  '23514', 'new row for relation "steps" violates check constraint "steps_step_slug_check"',
  'an invalid slug'
);
select throws_ok(
  $$ select pgflow.add_step('f', 'run') $$,
  '23514', 'new row for relation "steps" violates check constraint "steps_step_slug_check"',
  'the reserved word'
);
select throws_ok(
  $$ select pgflow.add_step('nowhere', 'a') $$,
  '23503', 'insert or update on table "steps" violates foreign key constraint "steps_flow_slug_fkey"',
  'an unknown flow'
);
select throws_ok(
  $$ select pgflow.add_step('f', 'c', array['missing']) $$,
  '23503',
  'insert or update on table "deps" violates foreign key constraint "deps_flow_slug_dep_slug_fkey"',
  'a missing dependency'
);
select throws_ok(
  $$ select pgflow.add_step('f', 'c', array['c']) $$,
  '23514', 'new row for relation "deps" violates check constraint "deps_check"',
  'a dependency on itself'
);
select throws_ok(
  $$ select pgflow.add_step('f', 'c', array['a', 'b'], step_type => 'map') $$,
  '23514', 'new row for relation "steps" violates check constraint "map_step_has_at_most_one_dep"',
  'a map over two dependencies'
);
select throws_ok(
  $$ select pgflow.add_step('f', 'c', step_type => 'loop') $$,
  '23514', 'new row for relation "steps" violates check constraint "step_type_is_known"',
  'an unknown type'
);
select throws_ok(
  $$ select pgflow.add_step('f', 'c', performed_by => 'magic') $$,
  '23514', 'new row for relation "steps" violates check constraint "performed_by_is_known"',
  'an unknown performer'
);
select throws_ok(
  $$ select pgflow.add_step('f', 'c', required_input_pattern => '[1]') $$,
  '23514', 'new row for relation "steps" violates check constraint "required_input_pattern_is_object"',
  'a pattern that is no object'
);
select throws_ok(
  $$ select pgflow.add_step('f', 'c', when_unmet => 'ignore') $$,
  '23514', 'new row for relation "steps" violates check constraint "when_unmet_is_known"',
  'an unknown when_unmet'
);
select throws_ok(
  $$ select pgflow.add_step('f', 'c', when_exhausted => 'ignore') $$,
  '23514', 'new row for relation "steps" violates check constraint "when_exhausted_is_known"',
  'an unknown when_exhausted'
);
select results_eq(
  $$ select step_slug from pgflow.steps order by step_index $$,
  $$ values ('a'), ('b') $$,
  'none of them left a step behind'
);

select finish();
rollback;
