begin;
select plan(2);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('diamond');

select is(
  pgflow.ensure_flow_compiled('diamond', '{"steps": [
    {"step_slug": "root"}, {"step_slug": "left", "deps_slugs": ["root"]},
    {"step_slug": "right", "deps_slugs": ["root"]}, {"step_slug": "join", "deps_slugs": ["right", "left"]}
  ]}'),
  '{"status": "verified", "differences": []}',
  'a flow made step by step has the same shape'
);
select results_eq(
  $$ select opt_max_attempts, opt_base_delay, opt_timeout from pgflow.flows $$,
  $$ values (3, 5, 60) $$,
  'and the same defaults'
);

select finish();
rollback;
