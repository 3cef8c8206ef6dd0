begin;
select plan(2);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('single');
select pgflow.start_flow('single', '1', run_id => '10000000-0000-4000-8000-000000000001', start_at => now() + interval '1 hour');
select pgflow.cancel_run('10000000-0000-4000-8000-000000000001');
select pgflow.retry_run('10000000-0000-4000-8000-000000000001');

select is_empty($$ select * from pgflow_tests.poll('single') $$, 'a run that was cancelled before its start still starts at its time');
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
