begin;
select plan(4);
select pgflow_tests.reset_db();

select results_eq(
  $$ select flow_slug, opt_max_attempts, opt_base_delay, opt_timeout
     from pgflow.create_flow('greet') $$,
  $$ values ('greet', 3, 5, 60) $$,
  'the new flow is returned, with the defaults'
);
select results_eq(
  $$ select flow_slug, opt_max_attempts, opt_base_delay, opt_timeout
     from pgflow.create_flow(
       flow_slug => 'patient', max_attempts => 0, base_delay => 0, timeout => 1
     ) $$,
  $$ values ('patient', 0, 0, 1) $$,
  'options are stored as given, down to their lowest values'
);
select results_eq(
  $$ select flow_slug from pgflow.flows order by flow_slug $$,
  $$ values ('greet'), ('patient') $$,
  'both flows are stored'
);
select results_eq(
  $$ select queue_name::text from pgmq.meta order by queue_name $$,
  $$ values ('greet'), ('patient') $$,
  'each flow has a queue of its name, and there is no other queue'
);

select finish();
rollback;
