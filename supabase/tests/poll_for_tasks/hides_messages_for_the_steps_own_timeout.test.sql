begin;
select plan(3);
select pgflow_tests.reset_db();
select pgflow.create_flow('f', timeout => 40);
select pgflow.add_step('f', 'a_flows');
select pgflow.add_step('f', 'b_longer', timeout => 300);
select pgflow.add_step('f', 'c_shorter', timeout => 5);
select pgflow.start_flow('f', '1');

select is((select count(*)::int from pgflow.poll_for_tasks('f', 1, 10, 0)), 3, 'all three are claimed');
select results_eq(
  $$ select t.step_slug, h.seconds
     from pgflow_tests.seconds_hidden('f') h
     join pgflow.step_tasks t on t.message_id = h.msg_id order by 1 $$,
  $$ values ('a_flows', 42), ('b_longer', 302), ('c_shorter', 7) $$,
  'each message is hidden for the step''s timeout, else the flow''s, and two seconds'
);
select is_empty($$ select * from pgflow.poll_for_tasks('f', 1, 10, 0) $$, 'and is not handed out meanwhile');

select finish();
rollback;
