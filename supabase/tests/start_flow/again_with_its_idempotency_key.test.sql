begin;
select plan(6);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('single');
select pgflow_tests.setup_flow('sequential');
select pgflow.start_flow(
  'single', '{"n": 1}', run_id => '10000000-0000-4000-8000-000000000001', idempotency_key => 'order 1'
);

select results_eq(
  $$ select run_id, idempotency_key
     from pgflow.start_flow('single', '{"n": 1}', idempotency_key => 'order 1') $$,
  $$ values ('10000000-0000-4000-8000-000000000001'::uuid, 'order 1') $$,
  'the run that has the key is returned'
);
select throws_ok(
  $$ select pgflow.start_flow('single', '{"n": 2}', idempotency_key => 'order 1') $$,
  'PF004',
  'Cannot start flow "single": the run id or idempotency key belongs to another run',
  'another input is refused'
);
select throws_ok(
  $$ select pgflow.start_flow(
       'single', '{"n": 1}', run_id => '10000000-0000-4000-8000-000000000002', idempotency_key => 'order 1'
     ) $$,
  'PF004',
  'Cannot start flow "single": the run id or idempotency key belongs to another run',
  'so is another run_id with the same key'
);
select throws_ok(
  $$ select pgflow.start_flow(
       'single', '{"n": 1}', run_id => '10000000-0000-4000-8000-000000000001', idempotency_key => 'order 2'
     ) $$,
  'PF004',
  'Cannot start flow "single": the run id or idempotency key belongs to another run',
  'and another key with the same run_id'
);
select lives_ok(
  $$ select pgflow.start_flow('sequential', '{"n": 2}', idempotency_key => 'order 1') $$,
  'a key is unique in its flow only'
);
select results_eq(
  $$ select flow_slug, idempotency_key, input from pgflow.runs order by flow_slug $$,
  $$ values ('sequential', 'order 1', '{"n": 2}'::jsonb), ('single', 'order 1', '{"n": 1}') $$,
  'one run per key'
);

select finish();
rollback;
