begin;
select plan(4);
select pgflow_tests.reset_db();
select pgflow.create_flow('leaf');
select pgflow.add_step('leaf', 'work');
select pgflow.create_flow('middle');
select pgflow.add_step('middle', 'go', performed_by => 'subflow', subflow_slug => 'leaf');
select pgflow.create_flow('top');
select pgflow.add_step('top', 'each', step_type => 'map', performed_by => 'subflow', subflow_slug => 'middle');
select pgflow.add_step('top', 'other');
select pgflow.start_flow('top', '[1, 2]', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'each', i, to_jsonb(i)) from generate_series(0, 1) i;
select pgflow.complete_task(run_id, 'go', 0, '1') from pgflow.runs where flow_slug = 'middle' and input = '0';

select is((select count(*)::int from pgflow.runs where status = 'started'), 4, 'four runs of one family are open');
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken before the end');
select pgflow.cancel_run('10000000-0000-4000-8000-000000000001');
select results_eq(
  $$ select r.flow_slug, r.status, r.error_message like '[cancelled by parent]%', s.status
     from pgflow.runs r join pgflow.step_states s using (run_id) group by 1, 2, 3, 4 order by 1 $$,
  $$ values ('leaf', 'cancelled', true, 'cancelled'), ('middle', 'cancelled', true, 'cancelled'),
            ('top', 'cancelled', null, 'cancelled') $$,
  'children end with their parent, however deep, and say so'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
