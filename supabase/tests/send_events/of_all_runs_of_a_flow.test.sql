begin;
select plan(3);
select pgflow_tests.reset_db();
select pgflow_tests.reset_events();
select pgflow.create_flow('child', broadcast => true);
select pgflow.add_step('child', 'work');
select pgflow.create_flow('parent', broadcast => true, on_failure_slug => 'child');
select pgflow.add_step('parent', 'sub', performed_by => 'subflow', subflow_slug => 'child', max_attempts => 1);

select results_eq(
  $$ select broadcast from pgflow.start_flow('parent', '1', '10000000-0000-4000-8000-000000000001')
     union all
     select broadcast from pgflow.start_flows('parent', '[2]') $$,
  $$ values (true), (true) $$,
  'a flow may say that all its runs are watched'
);
select pgflow.cancel_run(run_id) from pgflow.runs where input = '2';
select pgflow_tests.poll_and_complete('parent');
select results_eq(
  $$ select broadcast from pgflow.runs where flow_slug = 'child' $$, $$ values (false) $$,
  'that does not make child runs tell their events'
);
select pgflow.complete_task('10000000-0000-4000-8000-000000000001', 'sub', 0, '1');
select pgflow.fail_task(run_id, 'work', 0, 'no', permanent => true) from pgflow.runs where flow_slug = 'child';
select results_eq(
  $$ select split_part(m.topic, ':', 3) = '10000000-0000-4000-8000-000000000001', m.event
     from realtime.messages m join pgflow.runs r on m.topic = 'pgflow:run:' || r.run_id
     where r.input <> '2' order by m.ctid $$,
  $$ values (true, 'run:started'), (true, 'step:sub:started'), (false, 'run:started'),
            (false, 'step:work:started'), (true, 'step:sub:failed'), (true, 'run:failed') $$,
  'but the run that is started because another failed is a run like any other'
);

select finish();
rollback;
