begin;
select plan(5);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('single');
select pgmq.send('single', '"foreign"');
select pgflow.start_flow('single', '1');

select is_empty(
  $$ select * from pgflow.start_tasks('single', array[999999]::bigint[], '30000000-0000-4000-8000-000000000003') $$,
  'an unknown message'
);
select is_empty(
  $$ select * from pgflow.start_tasks('single', '{}', '30000000-0000-4000-8000-000000000003') $$,
  'no message'
);
select results_eq(
  $$ select step_slug, attempt
     from pgflow.start_tasks(
       'single', array(select q.msg_id from pgmq.q_single q), '30000000-0000-4000-8000-000000000003'
     ) $$,
  $$ values ('only', 1) $$,
  'a foreign message beside a task''s'
);
select throws_ok(
  $$ select * from pgflow.start_tasks('x', '{1}', '30000000-0000-4000-8000-000000000003') $$,
  'PF001', 'Cannot start tasks of flow "x": it does not exist',
  'an unknown flow is refused'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
