begin;
select plan(15);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('single');
select pgflow.create_flow('f', max_attempts => 5, base_delay => 20);
select pgflow.add_step('f', 'a');
select pgflow.add_step('f', 'pause', '{a}', start_delay => 100);
select pgflow.create_flow('asks');
select pgflow.add_step('asks', 'sign', performed_by => 'approval', timeout => 60);
select pgflow.create_flow('parent');
select pgflow.add_step('parent', 'child', performed_by => 'subflow', subflow_slug => 'single');

-- What was queued in this transaction is not yet visible at the moment at which why looks.
create function pg_temp.a_minute_passes() returns void language sql as $$
  update pgmq.q_f set vt = now() - interval '1 minute' where true;
$$;
create function pg_temp.start(flow_slug text, start_at timestamptz default null) returns uuid
  language sql as $$
    select run_id from pgflow.start_flow(flow_slug, '1', start_at => start.start_at)
  $$;
create function pg_temp.reason(run_id uuid) returns text language sql as $$
  select replace(w.reason, coalesce((select t.child_run_id::text from pgflow.step_tasks t where t.run_id = reason.run_id limit 1), '?'), 'C')
  from pgflow.why(run_id) w
$$;
create function pg_temp.named(name text) returns uuid language sql as $$
  select nullif(current_setting('test.' || name, true), '')::uuid
$$;
select set_config('test.' || r.name, r.run_id::text, true)
from (
  values
    ('f', pg_temp.start('f')),
    ('later', pg_temp.start('single', now() + interval '1 hour')),
    ('asks', pg_temp.start('asks')),
    ('parent', pg_temp.start('parent'))
) r (name, run_id);

select pg_temp.a_minute_passes();

select is_empty('select * from pgflow.why(gen_random_uuid())', 'of an unknown run there is nothing to say');
select is(pg_temp.reason(pg_temp.named('later')), 'waiting for the run''s start time', 'a start time');
select is(
  (select round(extract(epoch from until - now()) / 60) from pgflow.why(pg_temp.named('later'))), 60::numeric,
  'until when is said'
);
select is(pg_temp.reason(pg_temp.named('asks')), 'waiting for an approval of step "sign"', 'an approval');
select is(
  (select advice from pgflow.why(pg_temp.named('asks'))),
  format('select pgflow.complete_step(%L, %L, ''{}'', 0), or fail_step', pg_temp.named('asks'), 'sign'),
  'and what to call'
);
select is(pg_temp.reason(pg_temp.named('f')), 'no live worker for flow "f"', 'no worker');

select pgflow.register_worker('00000000-0000-4000-8000-000000000002', 'other', 'f');
select is(
  pg_temp.reason(pg_temp.named('f')), 'flow "f" is unknown to the live worker of function "f"',
  'a worker of the function that should serve the flow, and does not'
);

select pgflow.register_worker('00000000-0000-4000-8000-000000000001', 'other,f,parent,single', 'all');
select is(pg_temp.reason(pg_temp.named('f')), 'step "a" is in the queue', 'a worker that is busy');

select pgflow_tests.poll('f');
select is(
  pg_temp.reason(pg_temp.named('f')), 'step "a" is running on worker 00000000-0000-4000-8000-000000000001',
  'a handler'
);

update pgflow.workers set last_heartbeat_at = now() - interval '10 minutes' where true;
select is(
  pg_temp.reason(pg_temp.named('f')),
  'step "a" is started on worker 00000000-0000-4000-8000-000000000001, which is gone',
  'a worker that is gone'
);

update pgflow.workers set last_heartbeat_at = clock_timestamp() where true;
select pgflow.fail_task(pg_temp.named('f'), 'a', 0, 'busy');
select is(
  pg_temp.reason(pg_temp.named('f')), 'waiting for a retry of step "a" after: busy', 'a retry'
);

select pgflow.complete_task(pg_temp.named('f'), 'a', 0, '1');
select is(pg_temp.reason(pg_temp.named('f')), 'waiting for the start delay of step "pause"', 'a delay');

select pgflow_tests.poll_and_complete('parent');
select is(pg_temp.reason(pg_temp.named('parent')), 'waiting for child run C of step "child"', 'a child run');

select pgflow.cancel_run(pg_temp.named('f'));
select is(pg_temp.reason(pg_temp.named('f')), 'the run is cancelled', 'a run that has ended says how');

update pgflow.step_states set status = 'created', started_at = null where run_id = pg_temp.named('asks');
delete from pgflow.step_tasks where run_id = pg_temp.named('asks');
select is(
  pg_temp.reason(pg_temp.named('asks')), 'nothing of the run is open, which should never be',
  'a run that is broken says so, too'
);

select finish();
rollback;
