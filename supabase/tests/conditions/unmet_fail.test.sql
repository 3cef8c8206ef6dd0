begin;
select plan(5);
select pgflow_tests.reset_db();
select pgflow.create_flow('f');
select pgflow.add_step('f', 'must', required_input_pattern => '{"ok": true}', when_unmet => 'fail');
select pgflow.add_step('f', 'other');
select pgflow.add_step('f', 'next', array['must']);

select results_eq(
  $$ select status, error_message, failed_at is not null, remaining_steps from pgflow.start_flow('f', '{"ok": false}') $$,
  $$ values ('failed', 'Step "must" failed: its condition is not met', true, 3) $$,
  'the run fails, with a message that names the step'
);
select results_eq(
  $$ select step_slug, status, error_message from pgflow.step_states order by step_slug $$,
  $$ values ('must', 'failed', 'its condition is not met'), ('next', 'cancelled', null), ('other', 'cancelled', null) $$,
  'what was open is cancelled'
);
select results_eq(
  'select step_slug, status from pgflow.step_tasks', $$ values ('other', 'cancelled') $$, 'tasks too'
);
select is_empty($$ select * from pgflow_tests.queued_steps('f') $$, 'nothing is queued');
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
