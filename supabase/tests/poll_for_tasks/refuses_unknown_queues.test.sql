begin;
select plan(2);
select pgflow_tests.reset_db();
select pgmq.create('not_a_flow');

select throws_ok(
  $$ select * from pgflow.poll_for_tasks('nowhere', 1, 1, 0) $$,
  'PF001', 'Cannot poll queue "nowhere": no flow has this slug',
  'a queue that does not exist'
);
select throws_ok(
  $$ select * from pgflow.poll_for_tasks('not_a_flow', 1, 1, 0) $$,
  'PF001', 'Cannot poll queue "not_a_flow": no flow has this slug',
  'a queue that is no flow''s'
);

select finish();
rollback;
