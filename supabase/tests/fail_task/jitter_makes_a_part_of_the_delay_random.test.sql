begin;
select plan(5);
select pgflow_tests.reset_db();
select pgflow.create_flow('exact', base_delay => 500);
select pgflow.create_flow('jittery', base_delay => 500, retry_jitter => 0.5);
select pgflow.create_flow('parent', base_delay => 500, retry_jitter => 1);
select pgflow.create_flow('child', max_attempts => 1);
select pgflow.add_step('exact', 'each', step_type => 'map');
select pgflow.add_step('jittery', 'each', step_type => 'map');
select pgflow.add_step('parent', 'each', step_type => 'map', performed_by => 'subflow', subflow_slug => 'child');
select pgflow.add_step('child', 'a');
select pgflow.start_flow(f.slug, (select jsonb_agg(i) from generate_series(1, 50) i))
from (values ('exact'), ('jittery'), ('parent')) f (slug);

select pgflow_tests.poll_and_fail('exact', 50);
select pgflow_tests.poll_and_fail('jittery', 50);
select pgflow_tests.poll_and_complete('parent', 50);
select pgflow_tests.poll_and_fail('child', 50);

create temp view delays as
select flow_slug, round(extract(epoch from due_at - clock_timestamp()))::int as seconds
from pgflow.step_tasks
where flow_slug <> 'child';

select results_eq(
  $$ select count(*)::int, bool_and(seconds between 995 and 1000) from delays where flow_slug = 'exact' $$,
  $$ values (50, true) $$,
  'without jitter all wait for the same time'
);
select ok(
  (select bool_and(seconds between 495 and 1000) and count(distinct seconds) > 10
   from delays where flow_slug = 'jittery'),
  'with a jitter of 0.5 each waits between half the time and all of it'
);
select ok(
  (select bool_and(seconds between -5 and 1000) and count(distinct seconds) > 10 and min(seconds) < 500
   from delays where flow_slug = 'parent'),
  'with a jitter of 1 between nothing and all of it, also when child runs failed'
);
select throws_ok(
  $$ select pgflow.create_flow('wrong', retry_jitter => 1.5) $$, '23514', null,
  'a part is no more than all'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
