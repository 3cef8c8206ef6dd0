begin;
select plan(4);
select pgflow_tests.reset_db();
select pgflow.create_flow('f', base_delay => 0);
select pgflow.add_step('f', 'list');
select pgflow.add_step('f', 'each', array['list'], step_type => 'map');
select pgflow.add_step('f', 'end', array['each']);
select pgflow.start_flow('f', '1', run_id => '10000000-0000-4000-8000-000000000001');
create temp table polled (round int, step_slug text, task_index int, attempt int);
create function pg_temp.work(round int) returns void language plpgsql as $$
begin
  for i in 1..50 loop
    insert into polled
    select work.round, t.step_slug, t.task_index, t.attempt
    from pgflow_tests.poll('f') t
    cross join lateral pgflow.settle_tasks(jsonb_build_array(jsonb_build_object(
      'run_id', t.run_id, 'step_slug', t.step_slug, 'task_index', t.task_index, 'attempt', t.attempt
    ) || case
      when t.attempt = 1 then '{"error_message": "once"}'
      when t.step_slug = 'list' then '{"output": [0, 0, 0]}'
      else jsonb_build_object('output', t.task_index)
    end));
    exit when (select r.status <> 'started' from pgflow.runs r);
  end loop;
end;
$$;
select pg_temp.work(1);

select set_eq(
  $$ select step_slug, task_index, attempt from polled $$,
  $$ select s, i, a from (values ('list', 0), ('each', 0), ('each', 1), ('each', 2), ('end', 0)) x (s, i)
     cross join generate_series(1, 2) a $$,
  'everything a call does is done when it returns: each task fails once and completes, in one transaction'
);
select is((select count(*)::int from polled), 10, 'none is handed out twice');
select results_eq(
  'select status, output from pgflow.runs', $$ values ('completed', '{"end": 0}'::jsonb) $$, 'the run completes'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
