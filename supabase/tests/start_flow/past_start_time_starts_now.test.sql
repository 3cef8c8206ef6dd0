begin;
select plan(2);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('single');

select pgflow.start_flow('single', '1', start_at => now() - interval '1 hour');

select results_eq(
  $$ select step_slug, status, message_id is not null, due_at from pgflow.step_tasks $$,
  $$ values ('only', 'queued', true, null::timestamptz) $$,
  'a time that has passed is now'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
