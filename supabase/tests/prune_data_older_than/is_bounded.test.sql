begin;
select plan(4);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('single');
select count(*) from pgflow.start_flows('single', '[1, 2, 3, 4, 5]');
select pgflow.complete_task(run_id, 'only', 0, '1') from pgflow.runs;
update pgflow.runs set started_at = now() - interval '10 days', completed_at = now() - interval '9 days';

select is(
  (select jsonb_build_array(p -> 'runs', p -> 'more') from pgflow.prune_data_older_than(interval '7 days', max_runs => 2) p),
  '[2, true]', 'a call deletes a bounded batch'
);
select is(
  (select jsonb_build_array(p -> 'runs', p -> 'more') from pgflow.prune_data_older_than(interval '7 days', max_runs => 10) p),
  '[3, false]', 'the next one the rest'
);
select is_empty('select * from pgflow.runs', 'none is left');
select is((select count(*)::int from pgmq.a_single), 5, 'archived messages go by their own age');

select finish();
rollback;
