begin;
select plan(4);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('single');
select pgmq.send('single', m::jsonb)
from unnest(array[
  '"text"', '42', 'null', 'true', '[]', '[1, 2]', '{}',
  '{"run_id": "no uuid", "step_slug": "only", "task_index": 0}',
  '{"run_id": "10000000-0000-4000-8000-00000000000Z", "step_slug": "only", "task_index": 0}',
  '{"run_id": 7, "step_slug": 7, "task_index": "seven"}',
  '{"run_id": "10000000-0000-4000-8000-000000000001", "step_slug": "only", "task_index": "0"}',
  '{"run_id": "10000000-0000-4000-8000-000000000001", "step_slug": "only", "task_index": 1e400}',
  '{"run_id": "10000000-0000-4000-8000-000000000001", "step_slug": "only", "task_index": 0.5}',
  '{"run_id": "10000000-0000-4000-8000-000000000001", "step_slug": null, "task_index": null}',
  '{"run_id": {}, "step_slug": [], "task_index": {}}',
  '{"flow_slug": "other", "run_id": "10000000-0000-4000-8000-000000000009", "step_slug": "only", "task_index": 0}'
]) m;
select pgflow.start_flow('single', '1', run_id => '10000000-0000-4000-8000-000000000001');

select results_eq(
  $$ select step_slug, attempt from pgflow_tests.poll('single', 50) $$,
  $$ values ('only', 1) $$,
  'what is not ours is passed over'
);
select results_eq(
  $$ select * from pgflow_tests.queued_steps('single') $$,
  $$ values ('only', 0) $$,
  'and does not come back'
);
select is((select count(*)::int from pgmq.a_single), 16, 'it is in the archive');
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
