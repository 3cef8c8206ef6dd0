begin;
select plan(5);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('sequential');
select pgflow.start_flow('sequential', '1', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow.start_ready_steps('10000000-0000-4000-8000-000000000001');
select results_eq(
  $$ select step_slug, count(*)::int from pgflow.step_tasks group by 1 $$,
  $$ values ('first', 1) $$,
  'a run that is in order is left alone'
);
select lives_ok($$ select pgflow.start_ready_steps('10000000-0000-4000-8000-00000000000f') $$, 'so is an unknown one');

update pgflow.step_states set remaining_deps = 0 where step_slug = 'second';
select pgflow.start_ready_steps(run_id => '10000000-0000-4000-8000-000000000001');
select results_eq(
  $$ select step_slug, status from pgflow.step_states order by step_slug $$,
  $$ values ('first', 'started'), ('last', 'created'), ('second', 'started') $$,
  'a created step that waits for nothing starts'
);
select results_eq(
  $$ select * from pgflow_tests.queued_steps('sequential') $$,
  $$ values ('first', 0), ('second', 0) $$,
  'with its task'
);
select pgflow.start_ready_steps('10000000-0000-4000-8000-000000000001');
select is((select count(*)::int from pgflow.step_tasks), 2, 'once');

select finish();
rollback;
