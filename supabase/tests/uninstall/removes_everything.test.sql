begin;
select plan(9);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('single');
select pgflow_tests.setup_flow('sequential');
select pgmq.create('not_ours');
select count(*) from pgflow.start_flows('single', '[1, 2]');

select is(pgflow.schema_version() ~ '^\d+\.\d+\.\d+$', true, 'the installed version can be read');
select throws_ok(
  $$ select pgflow.uninstall('yes') $$, '22023',
  'Cannot uninstall pgflow: it deletes all flows and runs, and was not told to',
  'it wants to hear what it does'
);
select throws_ok(
  $$ select pgflow.uninstall(null) $$, '22023', null, 'nothing is not enough'
);
select is((select count(*)::int from pgflow.runs), 2, 'up to here nothing is gone');

select lives_ok(
  $$ select pgflow.uninstall(confirm => 'delete all flows and runs') $$, 'one call removes it'
);
select hasnt_schema('pgflow', 'the schema is gone');
select is_empty(
  $$ select p.proname from pg_proc p
     where p.pronamespace = 'public'::regnamespace
       and (p.prosrc ~ '\mpgflow\.' or p.proname in ('start_flow', 'get_run', 'list_runs', 'cancel_run',
         'retry_run', 'complete_step', 'fail_step', 'list_approvals')) $$,
  'so are the functions of the API'
);
select results_eq(
  'select queue_name::text from pgmq.meta', $$ values ('not_ours') $$,
  'and the flows'' queues; pgmq and other queues stay'
);
select is_empty(
  $$ select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relname in ('q_single', 'a_single', 'q_sequential', 'a_sequential') $$,
  'no table of a queue is left'
);

select finish();
rollback;
