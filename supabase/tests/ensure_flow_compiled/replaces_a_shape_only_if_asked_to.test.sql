begin;
select plan(7);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('single');
select pgflow.ensure_flow_compiled('f', '{"steps": [{"step_slug": "a"}]}');
select pgflow.start_flow('f', '1');
select pgflow.start_flow('single', '1');

select is(
  pgflow.ensure_flow_compiled('f', '{"steps": [{"step_slug": "a"}, {"step_slug": "b"}]}', replace => false)
    ->> 'status',
  'mismatch', 'another shape is refused'
);
select is(
  pgflow.ensure_flow_compiled('f', '{"max_attempts": 9, "steps": [{"step_slug": "a"}]}', replace => true),
  '{"status": "verified", "differences": []}', 'the same shape is not replaced'
);
select results_eq(
  'select flow_slug from pgflow.runs order by 1', $$ values ('f'), ('single') $$,
  'up to here the runs are there'
);
select is(
  pgflow.ensure_flow_compiled('f', '{"steps": [{"step_slug": "a"}, {"step_slug": "b"}]}', replace => true),
  '{"status": "compiled", "differences": ["step \"b\" is not in the database"]}',
  'another shape replaces the stored one, and what differed is said'
);
select results_eq(
  $$ select step_slug from pgflow.steps where flow_slug = 'f' order by step_index $$,
  $$ values ('a'), ('b') $$, 'the new steps are stored'
);
select results_eq(
  'select flow_slug from pgflow.runs', $$ values ('single') $$,
  'its runs are gone, those of other flows stay'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
