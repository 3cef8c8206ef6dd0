begin;
select plan(8);
select pgflow_tests.reset_db();
select pgflow.create_flow('f');
select pgflow.add_step('f', 'now');
select pgflow.add_step('f', 'soon', array['now'], start_delay => 30);
select pgflow.add_step('f', 'each', array['now'], start_delay => 7200, step_type => 'map');
select pgflow.start_flow('f', '1', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'now', 0, '["a", "b"]');

select results_eq(
  $$ select step_slug, task_index, status, message_id, due_at - now() from pgflow.step_tasks
     where step_slug <> 'now' order by step_slug, task_index $$,
  $$ values ('each', 0, 'queued', null::bigint, interval '2 hours'), ('each', 1, 'queued', null, interval '2 hours'),
            ('soon', 0, 'queued', null, interval '30 seconds') $$,
  'a delayed step''s tasks are due rows'
);
select results_eq(
  $$ select step_slug, status from pgflow.step_states order by step_slug $$,
  $$ values ('each', 'started'), ('now', 'completed'), ('soon', 'started') $$,
  'the steps are started'
);
select is_empty($$ select * from pgflow_tests.poll('f', 5) $$, 'nothing can be polled before its time');
select is_empty($$ select * from pgflow_tests.queued_steps('f') $$, 'the queue is empty');
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken while they wait');

update pgflow.step_tasks set due_at = clock_timestamp() where step_slug = 'soon';
select results_eq(
  $$ select step_slug, attempt, input from pgflow_tests.poll('f', 5) $$,
  $$ values ('soon', 1, '{"run": 1, "now": ["a", "b"]}'::jsonb) $$,
  'what is due enters the queue and is claimed by the same poll, the rest waits'
);
select pgflow_tests.make_due('f');
select results_eq(
  $$ select step_slug, task_index, input from pgflow_tests.poll('f', 5) $$,
  $$ values ('each', 0, '"a"'::jsonb), ('each', 1, '"b"') $$,
  'until its own time'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
