begin;
select plan(8);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('diamond');
select pgflow.create_flow('Other', max_attempts => 1);
select pgflow.add_step('Other', 'only');
select pgflow.start_flow('diamond', '1', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow.start_flow('diamond', '2', run_id => '10000000-0000-4000-8000-000000000002');
select pgflow.start_flow('diamond', '3', run_id => '10000000-0000-4000-8000-000000000003');
select pgflow.start_flow('Other', '4', run_id => '10000000-0000-4000-8000-000000000004');
select pgflow.start_flow('Other', '5', run_id => '10000000-0000-4000-8000-000000000005');
select pgflow.complete_task('10000000-0000-4000-8000-000000000002', 'root', 0, '2');
select pgflow_tests.poll('diamond', 10);
select pgflow_tests.poll('Other', 10);

select results_eq(
  $$ select right(run_id::text, 1) as run, step_slug, status, attempts_count, attempts_forgiven, output, error_message
     from pgflow.settle_tasks('[
       {"run_id": "10000000-0000-4000-8000-000000000004", "step_slug": "only", "task_index": 0, "attempt": 1, "error_message": "broken"},
       {"run_id": "10000000-0000-4000-8000-000000000003", "step_slug": "root", "task_index": 0, "attempt": 1, "error_message": "once"},
       {"run_id": "10000000-0000-4000-8000-000000000002", "step_slug": "right", "task_index": 0, "attempt": 1, "output": {"r": 1}},
       {"run_id": "10000000-0000-4000-8000-000000000001", "step_slug": "root", "task_index": 0, "attempt": 1, "release": true},
       {"run_id": "10000000-0000-4000-8000-000000000002", "step_slug": "left", "task_index": 0, "attempt": 1},
       {"run_id": "10000000-0000-4000-8000-000000000005", "step_slug": "only", "task_index": 0, "attempt": 1, "output": "5"}
     ]') order by 1, 2 $$,
  $$ values ('1', 'root', 'queued', 1, 1, null::jsonb, null::text),
            ('2', 'left', 'completed', 1, 0, 'null', null),
            ('2', 'right', 'completed', 1, 0, '{"r": 1}', null),
            ('3', 'root', 'queued', 1, 0, null, 'once'),
            ('4', 'only', 'failed', 1, 0, null, 'broken'),
            ('5', 'only', 'completed', 1, 0, '"5"', null) $$,
  'every task of the batch that changed is returned as it is now'
);
select results_eq(
  $$ select right(run_id::text, 1), flow_slug, status, remaining_steps, output, error_message
     from pgflow.runs order by run_id $$,
  $$ values ('1', 'diamond', 'started', 4, null::jsonb, null::text),
            ('2', 'diamond', 'started', 1, null, null),
            ('3', 'diamond', 'started', 4, null, null),
            ('4', 'Other', 'failed', 1, null, 'Step "only" failed: broken'),
            ('5', 'Other', 'completed', 0, '{"only": "5"}', null) $$,
  'every run moved on by its own results'
);
select results_eq(
  $$ select right(run_id::text, 1), step_slug, status from pgflow.step_states
     where status <> 'created' order by run_id, step_slug $$,
  $$ values ('1', 'root', 'started'), ('2', 'join', 'started'), ('2', 'left', 'completed'),
            ('2', 'right', 'completed'), ('2', 'root', 'completed'), ('3', 'root', 'started'),
            ('4', 'only', 'failed'), ('5', 'only', 'completed') $$,
  'and every step'
);
select results_eq(
  $$ select right(t.run_id::text, 1), t.step_slug, h.seconds
     from pgflow_tests.seconds_hidden('diamond') h
     join pgflow.step_tasks t on t.flow_slug = 'diamond' and t.message_id = h.msg_id order by 1 $$,
  $$ values ('1', 'root', 0), ('2', 'join', 0), ('3', 'root', 10) $$,
  'what was given back is visible at once, the retry after its delay'
);
select is_empty($$ select * from pgflow_tests.queued_steps('Other') $$, 'the other queue is empty');
select results_eq(
  $$ select right(run_id::text, 1), attempt, error_message from pgflow.task_failures order by run_id $$,
  $$ values ('3', 1, 'once'), ('4', 1, 'broken') $$,
  'only failures are recorded as such'
);
select results_eq(
  $$ select right(run_id::text, 1), step_slug, input, attempt from pgflow_tests.poll('diamond', 10) order by 1 $$,
  $$ values ('1', 'root', '{"run": 1}'::jsonb, 2), ('2', 'join', '{"run": 2, "left": null, "right": {"r": 1}}', 1) $$,
  'the next claims are new attempts with the new outputs'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
