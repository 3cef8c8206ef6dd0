begin;
select plan(3);
select pgflow_tests.reset_db();
select pgflow.create_flow('greet', max_attempts => 7, base_delay => 8, timeout => 9);

select results_eq(
  $$ select flow_slug, opt_max_attempts, opt_base_delay, opt_timeout
     from pgflow.create_flow('greet', max_attempts => 1, base_delay => 1, timeout => 1) $$,
  $$ values ('greet', 7, 8, 9) $$,
  'the row that exists is returned'
);
select results_eq(
  $$ select flow_slug, opt_max_attempts, opt_base_delay, opt_timeout from pgflow.flows $$,
  $$ values ('greet', 7, 8, 9) $$,
  'its options did not change'
);
select results_eq(
  $$ select queue_name::text from pgmq.meta $$,
  $$ values ('greet') $$,
  'there is no second queue'
);

select finish();
rollback;
