begin;
select plan(6);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('map_root');

select throws_ok(
  $$ select * from pgflow.start_flows('map_root', '{"n": 1}') $$,
  '22023', 'Cannot start flow "map_root": inputs is not an array',
  'inputs that are no array'
);
select throws_ok(
  $$ select * from pgflow.start_flows('map_root', null) $$,
  '22023', 'Cannot start flow "map_root": inputs is not an array',
  'null for inputs'
);
select throws_ok(
  $$ select * from pgflow.start_flows('x', '[1]') $$,
  'PF001', 'Cannot start flow "x": it does not exist',
  'an unknown flow'
);
select throws_ok(
  $$ select * from pgflow.start_flows('map_root', '[[1], 2]') $$,
  'PF008',
  'Cannot start flow "map_root": its step "each" maps over the input, which is not an array',
  'one input that is no array, for a flow that starts with a map'
);
select throws_ok(
  $$ select * from pgflow.start_flows('map_root', '[[1], null]') $$,
  'PF008',
  'Cannot start flow "map_root": its step "each" maps over the input, which is not an array',
  'null among the inputs of such a flow'
);
select is_empty('select * from pgflow.runs', 'nothing was started');

select finish();
rollback;
