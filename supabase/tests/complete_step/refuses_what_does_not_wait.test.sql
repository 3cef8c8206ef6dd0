begin;
select plan(6);
select pgflow_tests.reset_db();
select pgflow.create_flow('f');
select pgflow.add_step('f', 'work');
select pgflow.add_step('f', 'review', array['work'], performed_by => 'approval');
select pgflow.start_flow('f', '1', run_id => '10000000-0000-4000-8000-000000000001');

select throws_ok(
  $$ select pgflow.complete_step('10000000-0000-4000-8000-000000000001', 'work', '1') $$,
  'PF009', 'Cannot complete step "work": it does not wait for an answer, it is queued', 'a handler''s step'
);
select throws_ok(
  $$ select pgflow.complete_step('10000000-0000-4000-8000-000000000001', 'review', '1') $$,
  'PF009', 'Cannot complete step "review": it does not wait for an answer, it is created', 'an approval before its time'
);
select throws_ok(
  $$ select pgflow.fail_step('10000000-0000-4000-8000-000000000001', 'nowhere', 'x') $$,
  'PF009', 'Cannot fail step "nowhere": it does not wait for an answer, there is no such step or run', 'an unknown step'
);
select throws_ok(
  $$ select pgflow.fail_step('10000000-0000-4000-8000-00000000000f', 'review', 'x') $$,
  'PF009', 'Cannot fail step "review": it does not wait for an answer, there is no such step or run', 'an unknown run'
);
select pgflow.fail_task('10000000-0000-4000-8000-000000000001', 'work', 0, 'x', permanent => true);
select throws_ok(
  $$ select pgflow.complete_step('10000000-0000-4000-8000-000000000001', 'review', '1') $$,
  'PF009', 'Cannot complete step "review": it does not wait for an answer, it is cancelled', 'an approval of an ended run'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
