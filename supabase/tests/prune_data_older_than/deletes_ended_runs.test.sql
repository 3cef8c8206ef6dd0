begin;
select plan(6);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('single');
select pgflow.start_flow('single', i::text::jsonb, run_id => format('10000000-0000-4000-8000-00000000000%s', i)::uuid)
from generate_series(1, 5) i;
select pgflow.complete_task(run_id, 'only', 0, '1') from pgflow.runs where input in ('1', '2', '3');
update pgflow.runs set started_at = now() - interval '10 days';
update pgflow.runs set completed_at = now() - interval '9 days' where input in ('1', '2');
update pgmq.a_single set archived_at = now() - interval '9 days' where message ->> 'run_id' like '%1';
select pgflow.register_worker(gen_random_uuid(), 'single', 'old');
update pgflow.workers set last_heartbeat_at = now() - interval '8 days';
select pgflow.register_worker(gen_random_uuid(), 'single', 'new');

select is(
  pgflow.prune_data_older_than(interval '7 days'),
  '{"runs": 2, "messages": 1, "workers": 1, "more": false}',
  'it says what it deleted'
);
select results_eq(
  'select input, status from pgflow.runs order by input', $$ values ('3'::jsonb, 'completed'), ('4', 'started'), ('5', 'started') $$,
  'runs that ended long ago are gone; a recent one and open ones, however old, stay'
);
select is((select count(*)::int from pgflow.step_tasks), 3, 'rows go with their run');
select results_eq('select function_name from pgflow.workers', $$ values ('new') $$, 'a silent worker is gone');
select is((select count(*)::int from pgmq.q_single), 2, 'open tasks keep their messages');
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
