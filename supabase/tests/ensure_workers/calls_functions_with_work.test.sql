begin;
select plan(13);
select pgflow_tests.reset_db();
delete from net.http_request_queue where true;
select pgflow.install_watchdog('https://ref.supabase.co/', 'sb_secret_x');
select pgflow_tests.setup_flow('single');
select pgflow_tests.setup_flow('sequential');

select is_empty('select * from pgflow.ensure_workers()', 'without work nobody is called');
select pgflow.start_flow('single', '1');
select results_eq(
  $$ select method, url, headers ->> 'apikey', headers ? 'Authorization' from net.http_request_queue $$,
  $$ values ('POST', 'https://ref.supabase.co/functions/v1/single', 'sb_secret_x', false) $$,
  'a start calls the function of the flow''s name, with the key'
);
select is_empty('select * from pgflow.ensure_workers()', 'a call on its way stands for all');
select pgflow.start_flow('single', '2');
select pgflow.start_flows('single', '[3, 4]');
select is((select count(*)::int from net.http_request_queue), 1, 'for starts too');

update pgflow.functions set woken_at = woken_at - interval '6 seconds' where true;
select results_eq(
  'select function_name, request_id is not null from pgflow.ensure_workers()',
  $$ values ('single', true) $$,
  'a call that stayed unanswered is repeated'
);
select pgflow.acquire_worker('10000000-0000-4000-8000-000000000001', 'serve_both', '{single,sequential}');
update pgflow.functions set woken_at = woken_at - interval '6 seconds' where true;
select pgflow.start_flow('single', '5');
select is_empty('select * from pgflow.ensure_workers()', 'nobody is called while a worker lives');
select pgflow.stop_worker('10000000-0000-4000-8000-000000000001');
select results_eq(
  'select function_name from pgflow.ensure_workers()', $$ values ('serve_both') $$,
  'when it has stopped, the function that worked last is called'
);
update pgflow.functions
set woken_at = woken_at - interval '6 seconds', registered_at = registered_at - interval '1 minute'
where true;
select results_eq(
  'select function_name from pgflow.ensure_workers()', $$ values ('single') $$,
  'when that did not answer, another that may serve the flow'
);
select pgflow.acquire_worker('10000000-0000-4000-8000-000000000002', 'serve_both', '{single,sequential}');
select pgflow.drain_worker('10000000-0000-4000-8000-000000000002');
update pgflow.functions set woken_at = woken_at - interval '6 seconds' where true;
select results_eq(
  'select function_name from pgflow.ensure_workers()', $$ values ('serve_both') $$,
  'a worker that waits for its successor does not count'
);
select pgflow.acquire_worker('10000000-0000-4000-8000-000000000003', 'serve_both', '{single,sequential}');
update pgflow.workers set last_heartbeat_at = now() - interval '31 seconds' where true;
select results_eq(
  'select function_name from pgflow.ensure_workers()', $$ values ('serve_both') $$,
  'nor does one without heartbeat; an answered call holds back none'
);

delete from net.http_request_queue where true;
select vault.update_secret((select id from vault.secrets where name = 'secret_key'), 'eyJ.legacy');
select pgflow.start_flow('sequential', '1', start_at => now() + interval '1 hour');
select is((select count(*)::int from net.http_request_queue), 0, 'a later start calls nobody');
select pgflow.register_worker('10000000-0000-4000-8000-000000000004', 'single', 'serve_single');
update pgflow.functions set woken_at = null where true;
update pgflow.step_tasks set due_at = now() - interval '1 second' where flow_slug = 'sequential';
select results_eq(
  'select function_name from pgflow.ensure_workers()', $$ values ('serve_both') $$,
  'what has become due is work'
);
select is(
  (select headers ->> 'Authorization' from net.http_request_queue), 'Bearer eyJ.legacy',
  'a legacy key goes as token too'
);

select finish();
rollback;
