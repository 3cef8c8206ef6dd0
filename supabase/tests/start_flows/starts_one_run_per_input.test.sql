begin;
select plan(5);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('two_roots');

select results_eq(
  $$ select flow_slug, status, input, remaining_steps
     from pgflow.start_flows('two_roots', '[1, {"n": 2}, null, "4"]') $$,
  $$ values ('two_roots', 'started', '1'::jsonb, 3), ('two_roots', 'started', '{"n": 2}', 3),
            ('two_roots', 'started', 'null', 3), ('two_roots', 'started', '"4"', 3) $$,
  'the runs come back in the order of their inputs'
);
select results_eq(
  $$ select status, count(*)::int from pgflow.step_states group by status order by status $$,
  $$ values ('created', 4), ('started', 8) $$,
  'each has its states'
);
select results_eq(
  $$ select q.message ->> 'run_id', q.message ->> 'step_slug' from pgmq.q_two_roots q order by q.msg_id $$,
  $$ select run_id::text, step_slug from pgflow.step_tasks order by run_id, step_slug $$,
  'messages are sent in the order of run, step and index'
);
select is_empty($$ select * from pgflow.start_flows('two_roots', '[]') $$, 'no inputs, no runs');
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
