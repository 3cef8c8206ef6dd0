begin;
select plan(6);
select pgflow_tests.reset_db();
select pgflow.create_flow('f', max_attempts => 1);
select pgflow.add_step('f', 'done');
select pgflow.add_step('f', 'bad');
select pgflow.add_step('f', 'queued');
select pgflow.add_step('f', 'started');
select pgflow.add_step('f', 'created', array['bad', 'done']);
select pgflow.start_flow('f', '1', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow.start_flow('f', '2', run_id => '10000000-0000-4000-8000-000000000002');
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'done', 0, '"kept"');
select pgflow.start_tasks('f', array[t.message_id], '30000000-0000-4000-8000-000000000003')
from pgflow.step_tasks t
where t.run_id = '10000000-0000-4000-8000-000000000001' and t.step_slug in ('bad', 'started');

select pgflow.fail_task('10000000-0000-4000-8000-000000000001', 'bad', 0, 'it broke', 1);

select results_eq(
  $$ select status, remaining_steps, error_message, output, failed_at is not null, completed_at, cancelled_at
     from pgflow.runs where run_id = '10000000-0000-4000-8000-000000000001' $$,
  $$ values ('failed', 4, 'Step "bad" failed: it broke', null::jsonb, true,
             null::timestamptz, null::timestamptz) $$,
  'the run failed with a message that names step and cause; its counter stays as it was'
);
select results_eq(
  $$ select step_slug, status, remaining_deps, remaining_tasks, error_message
     from pgflow.step_states where run_id = '10000000-0000-4000-8000-000000000001' order by step_slug $$,
  $$ values ('bad', 'failed', 0, 1, 'it broke'), ('created', 'cancelled', 1, 1, null),
            ('done', 'completed', 0, 0, null), ('queued', 'cancelled', 0, 1, null),
            ('started', 'cancelled', 0, 1, null) $$,
  'created and started steps are cancelled, the completed one is kept, counters stay as they were'
);
select results_eq(
  $$ select step_slug, status, attempts_count, output
     from pgflow.step_tasks where run_id = '10000000-0000-4000-8000-000000000001' order by step_slug $$,
  $$ values ('bad', 'failed', 1, null::jsonb), ('done', 'completed', 0, '"kept"'),
            ('queued', 'cancelled', 0, null), ('started', 'cancelled', 1, null) $$,
  'open tasks are cancelled'
);
select results_eq(
  $$ select q.message ->> 'run_id', q.message ->> 'step_slug' from pgmq.q_f q order by 1, 2 $$,
  $$ values ('10000000-0000-4000-8000-000000000002', 'bad'),
            ('10000000-0000-4000-8000-000000000002', 'done'),
            ('10000000-0000-4000-8000-000000000002', 'queued'),
            ('10000000-0000-4000-8000-000000000002', 'started') $$,
  'its messages left the queue, those of another run stay'
);
select results_eq(
  $$ select a.message ->> 'step_slug' from pgmq.a_f a order by 1 $$,
  $$ values ('bad'), ('done'), ('queued'), ('started') $$,
  'for the archive'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
