begin;
select plan(8);
select pgflow_tests.reset_db();
create temp table shape as select '{
  "max_attempts": 4, "base_delay": 6, "timeout": 70,
  "steps": [
    {"step_slug": "a", "deps_slugs": []},
    {"step_slug": "b", "deps_slugs": ["a"], "step_type": "map", "performed_by": "handler",
     "required_input_pattern": {"a": []}, "forbidden_input_pattern": {"run": 1}, "when_unmet": "skip",
     "when_exhausted": "skip-cascade", "max_attempts": 1, "base_delay": 2, "timeout": 3, "start_delay": 4},
    {"step_slug": "c", "deps_slugs": ["b", "a"], "subflow_slug": null, "required_input_pattern": null}
  ]
}'::jsonb as shape;

select is(
  pgflow.ensure_flow_compiled('f', (select shape from shape)),
  '{"status": "compiled", "differences": []}',
  'an unknown flow is compiled'
);
select results_eq(
  $$ select flow_slug, opt_max_attempts, opt_base_delay, opt_timeout from pgflow.flows $$,
  $$ values ('f', 4, 6, 70) $$,
  'the flow is stored with its options'
);
select results_eq(
  $$ select step_slug, step_index, deps_count, step_type, performed_by, required_input_pattern,
            forbidden_input_pattern, when_unmet, when_exhausted,
            opt_max_attempts, opt_base_delay, opt_timeout, opt_start_delay
     from pgflow.steps order by step_index $$,
  $$ values ('a', 0, 0, 'single', 'handler', null::jsonb, null::jsonb, 'skip-cascade', 'fail',
             null::int, null::int, null::int, null::int),
            ('b', 1, 1, 'map', 'handler', '{"a": []}', '{"run": 1}', 'skip', 'skip-cascade', 1, 2, 3, 4),
            ('c', 2, 2, 'single', 'handler', null, null, 'skip-cascade', 'fail', null, null, null, null) $$,
  'so are the steps, absent values as in add_step'
);
select results_eq(
  $$ select dep_slug, step_slug from pgflow.deps order by step_slug, dep_slug $$,
  $$ values ('a', 'b'), ('a', 'c'), ('b', 'c') $$,
  'and the dependencies'
);
select results_eq('select queue_name::text from pgmq.meta', $$ values ('f') $$, 'it has its queue');

create temp table before as
  select ctid::text as place, xmin::text as written_by, flow_slug from pgflow.flows
  union all
  select ctid::text, xmin::text, step_slug from pgflow.steps;
select is(
  pgflow.ensure_flow_compiled(flow_slug => 'f', shape => (select shape from shape)),
  '{"status": "verified", "differences": []}',
  'the same shape again is verified'
);
select set_eq(
  'select ctid::text as place, xmin::text as written_by, flow_slug from pgflow.flows
  union all
  select ctid::text, xmin::text, step_slug from pgflow.steps',
  'table before',
  'without a write'
);
select is((select count(*)::int from pgmq.meta), 1, 'or a second queue');

select finish();
rollback;
