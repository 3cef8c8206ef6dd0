begin;
select plan(6);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('two_roots');

select results_eq(
  $$ select flow_slug, status, input, output, remaining_steps, error_message, idempotency_key,
            owner, broadcast, start_at, parent_run_id, started_at is not null, completed_at
     from pgflow.start_flow('two_roots', '{"n": 1}') $$,
  $$ values ('two_roots', 'started', '{"n": 1}'::jsonb, null::jsonb, 3, null::text, null::text,
             null::uuid, false, null::timestamptz, null::uuid, true, null::timestamptz) $$,
  'the new run is returned'
);
select results_eq(
  $$ select flow_slug, step_slug, status, remaining_deps, initial_tasks, remaining_tasks,
            started_at is not null
     from pgflow.step_states order by step_slug $$,
  $$ values ('two_roots', 'last', 'created', 2, 1, 1, false),
            ('two_roots', 'root_a', 'started', 0, 1, 1, true),
            ('two_roots', 'root_b', 'started', 0, 1, 1, true) $$,
  'every step has a state, the roots are started'
);
select results_eq(
  $$ select flow_slug, step_slug, task_index, status, attempts_count, attempts_forgiven,
            message_id is not null, input, output, started_at, last_worker_id
     from pgflow.step_tasks order by step_slug $$,
  $$ values ('two_roots', 'root_a', 0, 'queued', 0, 0, true, null::jsonb, null::jsonb,
             null::timestamptz, null::uuid),
            ('two_roots', 'root_b', 0, 'queued', 0, 0, true, null, null, null, null) $$,
  'only the roots have tasks'
);
select results_eq(
  $$ select q.message from pgmq.q_two_roots q order by q.msg_id $$,
  $$ select jsonb_build_object(
              'flow_slug', 'two_roots', 'run_id', r.run_id, 'step_slug', s, 'task_index', 0
            )
     from pgflow.runs r cross join unnest(array['root_a', 'root_b']) s order by s $$,
  'a message is exactly a pointer to its task, sent in the order of step_slug'
);
select results_eq(
  $$ select t.step_slug, t.message_id from pgflow.step_tasks t order by t.step_slug $$,
  $$ select q.message ->> 'step_slug', q.msg_id from pgmq.q_two_roots q order by 1 $$,
  'each task knows its message'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
