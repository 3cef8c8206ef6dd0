begin;
select plan(8);
select pgflow_tests.reset_db();
select pgflow.create_flow('f');
select pgflow.add_step('f', 'done');
select pgflow.add_step('f', 'started');
select pgflow.add_step('f', 'queued', array['done']);
select pgflow.add_step('f', 'waiting', performed_by => 'approval', timeout => 60);
select pgflow.add_step('f', 'later', start_delay => 600);
select pgflow.add_step('f', 'created', array['queued']);
select pgflow.start_flow('f', '1', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow_tests.poll('f', 5);
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'done', 0, '1');

select results_eq(
  $$ select run_id, status, cancelled_at is not null, failed_at, completed_at, output
     from pgflow.cancel_run(run_id => '10000000-0000-4000-8000-000000000001') $$,
  $$ values ('10000000-0000-4000-8000-000000000001'::uuid, 'cancelled', true, null::timestamptz,
             null::timestamptz, null::jsonb) $$,
  'the run is cancelled and returned'
);
select results_eq(
  $$ select s.step_slug, s.status, t.status, t.due_at
     from pgflow.step_states s left join pgflow.step_tasks t using (run_id, step_slug) order by 1 $$,
  $$ values ('created', 'cancelled', null, null::timestamptz), ('done', 'completed', 'completed', null),
            ('later', 'cancelled', 'cancelled', null), ('queued', 'cancelled', 'cancelled', null),
            ('started', 'cancelled', 'cancelled', null), ('waiting', 'cancelled', 'cancelled', null) $$,
  'so is everything that was open in it'
);
select is_empty($$ select * from pgflow_tests.queued_steps('f') $$, 'its messages left the queue');
select is_empty(
  $$ select * from pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'started', 0, '1', 1) $$,
  'a late result changes nothing'
);
select is_empty($$ select * from pgflow.cancel_run('10000000-0000-4000-8000-000000000001') $$, 'nor does cancelling again');
select is_empty($$ select * from pgflow.cancel_run('10000000-0000-4000-8000-00000000000f') $$, 'or an unknown run');
select results_eq(
  'select status, error_message from pgflow.runs', $$ values ('cancelled', null::text) $$, 'the run is as it was'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
