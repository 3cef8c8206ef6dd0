begin;
select plan(2);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('map_chain');
create temp table outputs as
  select i, format('10000000-0000-4000-8000-00000000000%s', i)::uuid as run_id, output::jsonb
  from unnest(array['null', '0', 'false', '""', '{}', '"[]"']) with ordinality as o (output, i);
select pgflow.start_flow('map_chain', '1', run_id => run_id) from outputs;
select pgflow.complete_task(run_id, 'list', 0, output) from outputs;

select results_eq(
  $$ select o.output, r.status, r.error_message from outputs o join pgflow.runs r using (run_id) order by o.i $$,
  $$ select o.output, 'failed', format(
       'Step "each" failed: [type] map step "each" needs an array, but its dependency "list" returned %s',
       jsonb_typeof(o.output)
     ) from outputs o order by o.i $$,
  'null, numbers, booleans, texts and objects are no arrays'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
