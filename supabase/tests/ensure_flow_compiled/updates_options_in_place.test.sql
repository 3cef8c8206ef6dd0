begin;
select plan(4);
select pgflow_tests.reset_db();
select pgflow.ensure_flow_compiled('f', '{"max_attempts": 4, "base_delay": 6, "timeout": 70, "retry_jitter": 1, "steps": [
  {"step_slug": "a", "max_attempts": 1, "base_delay": 2, "timeout": 3, "start_delay": 4}, {"step_slug": "b"}
]}');

select is(
  pgflow.ensure_flow_compiled('f', '{"max_attempts": 5, "retry_jitter": 0.5, "steps": [
    {"step_slug": "a", "timeout": 30}, {"step_slug": "b", "start_delay": 9}
  ]}'),
  '{"status": "verified", "differences": []}',
  'options are no part of the shape'
);
select results_eq(
  $$ select opt_max_attempts, opt_base_delay, opt_timeout, opt_retry_jitter from pgflow.flows $$,
  $$ values (5, 5, 60, 0.5::float8) $$,
  'the flow''s are those of the code, absent ones the defaults'
);
select results_eq(
  $$ select step_slug, opt_max_attempts, opt_base_delay, opt_timeout, opt_start_delay
     from pgflow.steps order by step_index $$,
  $$ values ('a', null::int, null::int, 30, null::int), ('b', null, null, null, 9) $$,
  'so are the steps'''
);
select pgflow.ensure_flow_compiled('f', '{"max_attempts": 99, "steps": [{"step_slug": "a"}]}');
select results_eq(
  $$ select opt_max_attempts from pgflow.flows $$, $$ values (5) $$,
  'a shape that differs updates nothing'
);

select finish();
rollback;
