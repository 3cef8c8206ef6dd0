begin;
select plan(4);
select pgflow_tests.reset_db();
select pgflow.create_flow('f');
select pgflow.add_step('f', 'a');
select pgflow.add_step('f', 'b');
select pgflow.add_step('f', 'c', array['a', 'b'], max_attempts => 7);

select results_eq(
  $$ select step_slug, step_index, deps_count, opt_max_attempts
     from pgflow.add_step('f', 'c', array['b', 'a'], max_attempts => 7) $$,
  $$ values ('c', 2, 2, 7) $$,
  'the same definition again returns the row, whatever the order of dependencies'
);
select results_eq(
  $$ select step_slug, opt_max_attempts, opt_timeout, opt_start_delay
     from pgflow.add_step(
       'f', 'c', array['a', 'b'], max_attempts => 1, timeout => 2, start_delay => 3
     ) $$,
  $$ values ('c', 7, null::int, null::int) $$,
  'with other options the row is returned as it is'
);
select results_eq(
  $$ select step_slug, opt_max_attempts, opt_timeout from pgflow.steps order by step_index $$,
  $$ values ('a', null::int, null::int), ('b', null, null), ('c', 7, null) $$,
  'and the options are not changed'
);
select results_eq(
  $$ select dep_slug, step_slug from pgflow.deps order by dep_slug $$,
  $$ values ('a', 'c'), ('b', 'c') $$,
  'nor are the dependencies'
);

select finish();
rollback;
