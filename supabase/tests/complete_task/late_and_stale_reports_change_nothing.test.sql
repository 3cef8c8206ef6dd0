begin;
select plan(9);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('sequential');
select pgflow.start_flow('sequential', '1', run_id => '10000000-0000-4000-8000-000000000001');
create temp view picture as
  select r.status as run_status, r.remaining_steps, s.step_slug, s.status as step_status,
    s.remaining_deps, s.remaining_tasks, t.status, t.attempts_count, t.output, t.error_message
  from pgflow.runs r
  join pgflow.step_states s using (run_id)
  left join pgflow.step_tasks t using (run_id, step_slug);
select pgflow_tests.poll('sequential');
create temp table before as select * from picture;

select is_empty(
  $$ select * from pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'first', 0, '1', 2) $$,
  'an attempt that was never made'
);
select is_empty(
  $$ select * from pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'first', 0, '1', 0) $$,
  'attempt 0'
);
select is_empty(
  $$ select * from pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'first', 1, '1', 1) $$,
  'a task index that does not exist'
);
select is_empty(
  $$ select * from pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'last', 0, '1') $$,
  'a step that has not started'
);
select is_empty(
  $$ select * from pgflow.complete_task('10000000-0000-4000-8000-00000000000f', 'first', 0, '1') $$,
  'an unknown run'
);
select set_eq('table picture', 'table before', 'none of them changed anything');

select is(
  (select count(*)::int from pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'first', 0, '"one"', 1)),
  1, 'the open attempt reports'
);
delete from before where true;
insert into before select * from picture;
select is_empty(
  $$ select * from pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'first', 0, '"two"', 1)
     union all
     select * from pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'first', 0, '"two"')
     union all
     select * from pgflow.fail_task('10000000-0000-4000-8000-000000000001', 'first', 0, 'two', 1)
     union all
     select * from pgflow.fail_task('10000000-0000-4000-8000-000000000001', 'first', 0, 'two') $$,
  'a second report returns nothing, output or error, with its attempt or without'
);
select set_eq('table picture', 'table before', 'and changes nothing');

select finish();
rollback;
