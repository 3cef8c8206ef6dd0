begin;
select plan(3);
select pgflow_tests.reset_db();
select pgflow.create_flow('later');
select pgflow.add_step('later', 'maybe', required_input_pattern => '{"on": true}', when_unmet => 'skip');
select pgflow.add_step('later', 'next', array['maybe']);
select pgflow.create_flow('later_map');
select pgflow.add_step('later_map', 'each', step_type => 'map');
select pgflow.add_step('later_map', 'next', array['each']);

select pgflow.start_flow('later', '{"on": false}', start_at => now() + interval '1 hour');
select pgflow.start_flow('later_map', '[]', start_at => now() + interval '1 hour');

select is_empty(
  $$ select step_slug from pgflow_tests.poll('later', 5) $$,
  'a step behind a skipped root waits for the run''s time'
);
select is_empty(
  $$ select step_slug from pgflow_tests.poll('later_map', 5) $$,
  'so does a step behind a map over nothing'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
