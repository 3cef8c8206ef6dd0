begin;
select plan(6);
select pgflow_tests.reset_db();
select pgflow.create_flow('f', timeout => 30);
select pgflow.add_step('f', 'a');
select pgflow.add_step('f', 'b', timeout => 90);
select pgflow.start_flow('f', '{"n": 1}');

select results_eq(
  $$ select flow_slug, step_slug, input, task_index, attempt
     from pgflow.start_tasks(
       flow_slug => 'f',
       msg_ids => array(select m.msg_id from pgmq.read('f', 1, 5) m),
       worker_id => '30000000-0000-4000-8000-000000000003'
     ) $$,
  $$ values ('f', 'a', '{"run": {"n": 1}}'::jsonb, 0, 1), ('f', 'b', '{"run": {"n": 1}}', 0, 1) $$,
  'the tasks of the messages are returned with their input'
);
select results_eq(
  $$ select step_slug, status, attempts_count, last_worker_id from pgflow.step_tasks order by step_slug $$,
  $$ values ('a', 'started', 1, '30000000-0000-4000-8000-000000000003'::uuid),
            ('b', 'started', 1, '30000000-0000-4000-8000-000000000003') $$,
  'they are started under the worker'
);
select results_eq(
  $$ select seconds from pgflow_tests.seconds_hidden('f') $$,
  $$ values (32), (92) $$,
  'their messages are hidden for the step''s timeout and two seconds, whatever the caller chose'
);
select is_empty(
  $$ select * from pgflow.start_tasks(
       'f', array(select q.msg_id from pgmq.q_f q), '40000000-0000-4000-8000-000000000004'
     ) $$,
  'started tasks are not taken again'
);
select results_eq(
  $$ select last_worker_id from pgflow.step_tasks group by 1 $$,
  $$ values ('30000000-0000-4000-8000-000000000003'::uuid) $$,
  'and stay with their worker'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
