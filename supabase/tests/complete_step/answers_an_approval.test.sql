begin;
select plan(8);
select pgflow_tests.reset_db();
select pgflow.create_flow('f');
select pgflow.add_step('f', 'draft');
select pgflow.add_step('f', 'review', array['draft'], performed_by => 'approval');
select pgflow.add_step('f', 'publish', array['review']);
select pgflow.start_flow('f', '1', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'draft', 0, '"text"');

select results_eq(
  $$ select s.status, t.status, t.message_id, t.due_at
     from pgflow.step_states s join pgflow.step_tasks t using (run_id, step_slug) where step_slug = 'review' $$,
  $$ values ('started', 'waiting', null::bigint, null::timestamptz) $$,
  'an approval waits, without a message and without an end'
);
select is_empty($$ select * from pgflow_tests.poll('f', 5) $$, 'no worker gets it');
select is_empty(
  $$ select * from pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'review', 0, '1')
     union all select * from pgflow.fail_task('10000000-0000-4000-8000-000000000001', 'review', 0, 'x') $$,
  'nor may one settle it'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken while it waits');
select results_eq(
  $$ select step_slug, task_index, status, output
     from pgflow.complete_step(
       run_id => '10000000-0000-4000-8000-000000000001', step_slug => 'review', output => '{"ok": false}'
     ) $$,
  $$ values ('review', 0, 'completed', '{"ok": false}'::jsonb) $$,
  'the answer is its output'
);
select results_eq(
  $$ select step_slug, input from pgflow_tests.poll('f', 5) $$,
  $$ values ('publish', '{"run": 1, "review": {"ok": false}}'::jsonb) $$,
  'and its dependents go on with it'
);
select throws_ok(
  $$ select pgflow.complete_step('10000000-0000-4000-8000-000000000001', 'review', '{"ok": true}') $$,
  'PF009', 'Cannot complete step "review": it does not wait for an answer, it is completed',
  'a second answer is an error that says so'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
