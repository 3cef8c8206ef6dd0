begin;
select plan(5);
select pgflow_tests.reset_db();
select pgflow.create_flow('f', base_delay => 0);
select pgflow.add_step('f', 'a', step_type => 'map');
select pgflow.add_step('f', 'b', array['a']);
select pgflow.start_flow('f', '[1, 2, 3]', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow_tests.poll('f', 3);

select results_eq(
  $$ select task_index, status, attempts_count, output, error_message
     from pgflow.settle_tasks('[
       {"run_id": "10000000-0000-4000-8000-000000000001", "step_slug": "a", "task_index": 0, "attempt": 1, "output": "first"},
       {"run_id": "10000000-0000-4000-8000-000000000001", "step_slug": "a", "task_index": 1, "attempt": 1, "error_message": "first"},
       {"run_id": "10000000-0000-4000-8000-000000000001", "step_slug": "a", "task_index": 0, "attempt": 1, "output": "second"},
       {"run_id": "10000000-0000-4000-8000-000000000001", "step_slug": "a", "task_index": 1, "attempt": 1, "error_message": "second"},
       {"run_id": "10000000-0000-4000-8000-000000000001", "step_slug": "a", "task_index": 2, "attempt": 1, "release": true},
       {"run_id": "10000000-0000-4000-8000-000000000001", "step_slug": "a", "task_index": 2, "attempt": 1, "error_message": "second"}
     ]') order by task_index $$,
  $$ values (0, 'completed', 1, '"first"'::jsonb, null::text), (1, 'queued', 1, null, 'first'),
            (2, 'queued', 1, null, null) $$,
  'the first result of each task counts, and each task is returned once'
);
select results_eq(
  $$ select step_slug, status, remaining_tasks, remaining_deps from pgflow.step_states order by step_slug $$,
  $$ values ('a', 'started', 2, 0), ('b', 'created', 1, 1) $$,
  'counters moved once'
);
select results_eq(
  $$ select task_index, attempt, error_message from pgflow.task_failures $$,
  $$ values (1, 1, 'first') $$,
  'one failure is recorded'
);
select is_empty(
  $$ select * from pgflow.settle_tasks('[
       {"run_id": "10000000-0000-4000-8000-000000000001", "step_slug": "a", "task_index": 0, "attempt": 1, "output": "third"},
       {"run_id": "10000000-0000-4000-8000-000000000001", "step_slug": "a", "task_index": 1, "attempt": 1, "output": "third"},
       {"run_id": "10000000-0000-4000-8000-000000000001", "step_slug": "a", "task_index": 2, "attempt": 1, "output": "third"}
     ]') $$,
  'the same attempts in a later batch change nothing'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
