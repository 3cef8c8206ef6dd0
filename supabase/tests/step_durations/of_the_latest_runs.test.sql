begin;
select plan(3);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('sequential');
select pgflow.start_flows('sequential', '[1, 2, 3]');

select is_empty($$ select * from pgflow.step_durations('{sequential}') $$, 'nothing is known at first');
select pgflow_tests.poll_and_complete('sequential');
select pgflow_tests.poll_and_complete('sequential');
update pgflow.step_tasks t
set started_at = t.completed_at - n.n * interval '2 seconds'
from (select run_id, row_number() over (order by run_id) as n from pgflow.step_tasks where status = 'completed') n
where t.run_id = n.run_id and t.status = 'completed';
select results_eq(
  $$ select * from pgflow.step_durations('{sequential,sequential,nope}') $$,
  $$ values ('sequential', 'first', 2, 3::double precision, 4::double precision) $$,
  'the mean and the longest of what has completed'
);
select results_eq(
  $$ select tasks from pgflow.step_durations('{sequential}', runs_each => 0) $$,
  $$ select 1 where false $$,
  'of so many runs'
);

select finish();
rollback;
