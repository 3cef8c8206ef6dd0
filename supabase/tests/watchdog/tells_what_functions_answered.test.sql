begin;
select plan(3);
select pgflow_tests.reset_db();
select pgflow.install_watchdog('https://ref.supabase.co', 'sb_secret_x');
select pgflow_tests.setup_flow('single');
select pgflow.start_flow('single', '1');

select is_empty('select * from pgflow.setup_problems()', 'a call on its way is no problem');
insert into net._http_response (id, status_code, content)
select request_id, 404, '{"code":"NOT_FOUND"}' from pgflow.functions;
select results_eq(
  $$ select regexp_replace(problem, 'at .* and', 'at … and'), advice from pgflow.setup_problems() $$,
  $$ values (
    'function "single" was called at … and answered 404: {"code":"NOT_FOUND"}',
    'deploy function "single", or call the one that serves single once: it is remembered'
  ) $$,
  'an answer that is none is shown'
);
select pgflow.acquire_worker('10000000-0000-4000-8000-000000000001', 'single', '{single}');
select is_empty('select * from pgflow.setup_problems()', 'until a worker starts');

select finish();
rollback;
