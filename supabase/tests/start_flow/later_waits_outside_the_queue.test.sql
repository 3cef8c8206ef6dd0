begin;
select plan(7);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('two_roots');

select results_eq(
  $$ select status, start_at = now() + interval '1 hour'
     from pgflow.start_flow('two_roots', '1', start_at => now() + interval '1 hour') $$,
  $$ values ('started', true) $$,
  'the run is started and knows its time'
);
select results_eq(
  $$ select step_slug, status, message_id, due_at - now() from pgflow.step_tasks order by step_slug $$,
  $$ values ('root_a', 'queued', null::bigint, interval '1 hour'),
            ('root_b', 'queued', null, interval '1 hour') $$,
  'its roots wait as due rows'
);
select is_empty($$ select * from pgflow_tests.queued_steps('two_roots') $$, 'the queue is empty');
select is_empty($$ select * from pgflow_tests.poll('two_roots', 5) $$, 'a poll before the time gets nothing');
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken while it waits');

select pgflow_tests.make_due('two_roots');

select results_eq(
  $$ select step_slug, attempt from pgflow_tests.poll('two_roots', 5) $$,
  $$ values ('root_a', 1), ('root_b', 1) $$,
  'a poll after the time gets them'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken after it');

select finish();
rollback;
