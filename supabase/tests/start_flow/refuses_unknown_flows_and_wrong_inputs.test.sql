begin;
select plan(4);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('map_root');

select throws_ok(
  $$ select pgflow.start_flow('x', '{}') $$,
  'PF001', 'Cannot start flow "x": it does not exist',
  'an unknown flow'
);
select throws_ok(
  $$ select pgflow.start_flow('map_root', '{"n": 1}') $$,
  'PF008',
  'Cannot start flow "map_root": its step "each" maps over the input, which is not an array',
  'an input that is no array for a flow that starts with a map'
);
select throws_ok(
  $$ select pgflow.start_flow('map_root', null) $$,
  'PF008',
  'Cannot start flow "map_root": its step "each" maps over the input, which is not an array',
  'null is no array either'
);
select is_empty('select * from pgflow.runs', 'nothing was started');

select finish();
rollback;
