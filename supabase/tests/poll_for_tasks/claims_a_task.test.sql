begin;
select plan(5);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('single');
select pgflow.start_flow('single', '{"n": 1}', run_id => '10000000-0000-4000-8000-000000000001');

select results_eq(
  $$ select flow_slug, run_id, step_slug, input, msg_id, task_index, attempt
     from pgflow.poll_for_tasks(
       queue_name => 'single', vt => 1, qty => 5, max_poll_seconds => 0,
       worker_id => '30000000-0000-4000-8000-000000000003'
     ) $$,
  $$ select 'single', '10000000-0000-4000-8000-000000000001'::uuid, 'only', '{"run": {"n": 1}}'::jsonb,
            message_id, 0, 1
     from pgflow.step_tasks $$,
  'the task is returned with its input, its message and its attempt'
);
select results_eq(
  $$ select status, attempts_count, attempts_forgiven, last_worker_id, started_at is not null
     from pgflow.step_tasks $$,
  $$ values ('started', 1, 0, '30000000-0000-4000-8000-000000000003'::uuid, true) $$,
  'it is started under the worker'
);
select is(
  (
    select jsonb_agg(a.attname order by a.attnum)
    from pg_attribute a
    where a.attrelid = 'pgflow.step_task_record'::regclass and a.attnum <= 7
  ),
  '["flow_slug", "run_id", "step_slug", "input", "msg_id", "task_index", "attempt"]',
  'the record''s columns stand in their order'
);
select is_empty($$ select * from pgflow_tests.poll('single') $$, 'a second poll gets nothing');
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
