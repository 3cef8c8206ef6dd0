begin;
select plan(6);
select pgflow_tests.reset_db();
select pgflow.create_flow('f');
select pgflow.add_step('f', 'review', performed_by => 'approval', timeout => 3600, when_exhausted => 'skip');
select pgflow.add_step('f', 'next', array['review']);
select pgflow.start_flow('f', '1', run_id => '10000000-0000-4000-8000-000000000001');

select results_eq(
  $$ select status, due_at - now() from pgflow.step_tasks $$, $$ values ('waiting', interval '1 hour') $$,
  'an approval with a time limit waits until then'
);
select is_empty($$ select * from pgflow_tests.poll('f', 5) $$, 'a poll before its end changes nothing');
select is((select status from pgflow.step_tasks), 'waiting', 'it still waits');
select pgflow_tests.make_due('f');
select results_eq(
  $$ select step_slug, input from pgflow_tests.poll('f', 5) $$, $$ values ('next', '{"run": 1}'::jsonb) $$,
  'whoever polls after its end ends it, as when_exhausted says, and gets what follows'
);
select results_eq(
  $$ select step_slug, status, error_message from pgflow.step_tasks order by 1 $$,
  $$ values ('next', 'started', null::text), ('review', 'failed', '[timeout] nobody answered in time') $$,
  'its error has the prefix of a timeout'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
