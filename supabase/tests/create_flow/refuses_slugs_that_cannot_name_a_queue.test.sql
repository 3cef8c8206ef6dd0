begin;
select plan(6);
select pgflow_tests.reset_db();

select lives_ok(
  $$ select pgflow.create_flow(repeat('a', 47)) $$,
  '47 characters are a queue name'
);
select throws_ok(
  $$ select pgflow.create_flow(repeat('b', 48)) $$,
  'PF006',
  format('Cannot create flow "%s": its slug has 48 characters', repeat('b', 48)),
  '48 characters are not'
);
select lives_ok($$ select pgflow.create_flow('GreetUser') $$, 'upper case is fine');
select throws_ok(
  $$ select pgflow.create_flow('greetuser') $$,
  'PF006',
  'Cannot create flow "greetuser": it differs from flow "GreetUser" only by case',
  'the same letters in another case are not'
);
select results_eq(
  $$ select flow_slug from pgflow.flows order by flow_slug collate "C" $$,
  $$ values ('GreetUser'), (repeat('a', 47)) $$,
  'the refused flows are not stored'
);
select is((select count(*)::int from pgmq.meta), 2, 'and have no queue');

select finish();
rollback;
