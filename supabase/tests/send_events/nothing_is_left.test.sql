begin;
select plan(2);
select isnt_empty(
  $$ select from pg_policies where schemaname = 'realtime' and policyname like 'pgflow%' $$,
  'runs are protected by policies of Realtime''s table'
);
select pgflow.uninstall(confirm => 'delete all flows and runs');
select is_empty(
  $$ select from pg_policies where schemaname = 'realtime' and policyname like 'pgflow%' $$,
  'which go with pgflow'
);

select finish();
rollback;
