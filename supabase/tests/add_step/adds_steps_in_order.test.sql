begin;
select plan(4);
select pgflow_tests.reset_db();
select pgflow.create_flow('f');

select results_eq(
  $$ select flow_slug, step_slug, step_type, performed_by, step_index, deps_count,
            opt_max_attempts, opt_base_delay, opt_timeout, opt_start_delay,
            required_input_pattern, forbidden_input_pattern, when_unmet, when_exhausted,
            subflow_slug
     from pgflow.add_step('f', 'zero') $$,
  $$ values ('f', 'zero', 'single', 'handler', 0, 0, null::int, null::int, null::int, null::int,
             null::jsonb, null::jsonb, 'skip-cascade', 'fail', null::text) $$,
  'a step with nothing but defaults is returned'
);
select results_eq(
  $$ select step_slug, step_index, deps_count, opt_max_attempts, opt_base_delay, opt_timeout,
            opt_start_delay, step_type, required_input_pattern, forbidden_input_pattern,
            when_unmet, when_exhausted
     from pgflow.add_step(
       flow_slug => 'f', step_slug => 'one', deps_slugs => array['zero'],
       max_attempts => 4, base_delay => 5, timeout => 6, start_delay => 7, step_type => 'map',
       required_input_pattern => '{"a": 1}', forbidden_input_pattern => '{"b": 2}',
       when_unmet => 'skip', when_exhausted => 'skip-cascade'
     ) $$,
  $$ values ('one', 1, 1, 4, 5, 6, 7, 'map', '{"a": 1}'::jsonb, '{"b": 2}'::jsonb,
             'skip', 'skip-cascade') $$,
  'every option is stored under its name'
);
select pgflow.add_step('f', 'two', array['one', 'zero', 'one']);

select results_eq(
  $$ select step_slug, step_index, deps_count from pgflow.steps order by step_index $$,
  $$ values ('zero', 0, 0), ('one', 1, 1), ('two', 2, 2) $$,
  'steps are numbered in the order of adding; a dependency named twice counts once'
);
select results_eq(
  $$ select flow_slug, dep_slug, step_slug from pgflow.deps order by step_slug, dep_slug $$,
  $$ values ('f', 'zero', 'one'), ('f', 'one', 'two'), ('f', 'zero', 'two') $$,
  'dependencies are stored as edges'
);

select finish();
rollback;
