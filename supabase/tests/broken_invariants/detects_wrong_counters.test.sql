begin;
select plan(5);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('sequential');
select pgflow.start_flow('sequential', '1', run_id => '10000000-0000-4000-8000-000000000001');
create function pg_temp.found_after(change text) returns setof text language plpgsql as $$
declare
  v_found text[];
begin
  begin
    execute change;
    select array_agg(concat_ws(' ', b.invariant, b.step_slug) order by 1) into v_found from pgflow.broken_invariants b;
    raise exception using errcode = 'ZZ999';
  exception
    when sqlstate 'ZZ999' then null;
  end;
  return query select unnest(v_found);
end;
$$;

select is_empty('select * from pgflow.broken_invariants', 'nothing is broken to begin with');
select results_eq(
  $$ select pg_temp.found_after('update pgflow.runs set remaining_steps = 2 where true') $$,
  $$ values ('run counts other steps than are open') $$,
  'a run''s counter'
);
select results_eq(
  $$ select pg_temp.found_after('update pgflow.step_states set remaining_tasks = 0 where step_slug = ''first''') $$,
  $$ values ('started step counts other tasks than are open first') $$,
  'a step''s counter of tasks'
);
select results_eq(
  $$ select pg_temp.found_after('update pgflow.step_states set remaining_deps = 2 where step_slug = ''second''') $$,
  $$ values ('created step counts other dependencies than are open second') $$,
  'a step''s counter of dependencies'
);
select isnt_empty(
  $$ select pg_temp.found_after(
       'update pgflow.runs set status = ''completed'', completed_at = now(), remaining_steps = 0'
         ' where true'
     ) $$,
  'a run that completed with steps left'
);

select finish();
rollback;
