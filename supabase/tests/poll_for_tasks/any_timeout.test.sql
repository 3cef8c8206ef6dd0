begin;
select plan(2);
select pgflow_tests.reset_db();
select pgflow.create_flow('longest');
select pgflow.add_step('longest', 'work', timeout => 2147483647);
select pgflow.add_step('longest', 'ask', performed_by => 'approval', timeout => 2147483647);
select pgflow.start_flow('longest', '1');

select results_eq(
  $$ select step_slug, attempt from pgflow_tests.poll('longest') $$,
  $$ values ('work', 1) $$,
  'the longest timeout that a column holds can be polled'
);
select results_eq(
  $$ select step_slug, status, due_at > now() + interval '60 years'
     from pgflow.step_tasks where step_slug = 'ask' $$,
  $$ values ('ask', 'waiting', true) $$,
  'and waited for'
);

select finish();
rollback;
