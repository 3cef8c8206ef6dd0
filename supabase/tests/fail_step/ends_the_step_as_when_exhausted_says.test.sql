begin;
select plan(4);
select pgflow_tests.reset_db();
select pgflow.create_flow('strict', max_attempts => 5);
select pgflow.add_step('strict', 'review', performed_by => 'approval');
select pgflow.create_flow('lenient', max_attempts => 5);
select pgflow.add_step('lenient', 'review', performed_by => 'approval', when_exhausted => 'skip');
select pgflow.add_step('lenient', 'next', array['review']);
select pgflow.start_flow('strict', '1', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow.start_flow('lenient', '1', run_id => '10000000-0000-4000-8000-000000000002');

select results_eq(
  $$ select right(t.run_id::text, 1), t.status, t.error_message
     from pgflow.runs r cross join lateral pgflow.fail_step(r.run_id, 'review', 'rejected') t order by 1 $$,
  $$ values ('1', 'failed', 'rejected'), ('2', 'failed', 'rejected') $$,
  'a refusal fails the task at once'
);
select results_eq(
  $$ select right(run_id::text, 1), status, error_message from pgflow.runs order by run_id $$,
  $$ values ('1', 'failed', 'Step "review" failed: rejected'), ('2', 'started', null) $$,
  'and the run, unless the step says otherwise'
);
select results_eq(
  $$ select step_slug, status, skip_reason from pgflow.step_states where flow_slug = 'lenient' order by 1 $$,
  $$ values ('next', 'started', null), ('review', 'skipped', 'handler_failed') $$,
  'as when_exhausted does'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
