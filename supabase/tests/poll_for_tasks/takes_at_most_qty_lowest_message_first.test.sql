begin;
select plan(5);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('map_root');
select pgflow.start_flow('map_root', '[10, 20, 30, 40]');

select is_empty($$ select * from pgflow_tests.poll('map_root', 0) $$, 'qty 0 returns nothing');
select results_eq(
  $$ select status, attempts_count from pgflow.step_tasks group by 1, 2 $$,
  $$ values ('queued', 0) $$,
  'and claims nothing'
);
select results_eq(
  $$ select task_index, input from pgflow_tests.poll('map_root', 3) $$,
  $$ values (0, '10'::jsonb), (1, '20'), (2, '30') $$,
  'at most qty, in the order of messages'
);
select results_eq(
  $$ select task_index, input from pgflow_tests.poll('map_root', 3) $$,
  $$ values (3, '40'::jsonb) $$,
  'then the rest'
);
select results_eq(
  $$ select task_index, status, attempts_count from pgflow.step_tasks order by task_index $$,
  $$ values (0, 'started', 1), (1, 'started', 1), (2, 'started', 1), (3, 'started', 1) $$,
  'each was claimed once'
);

select finish();
rollback;
