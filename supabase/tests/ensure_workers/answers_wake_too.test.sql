begin;
select plan(4);
select pgflow_tests.reset_db();
delete from net.http_request_queue where true;
select pgflow.install_watchdog('https://ref.supabase.co', 'sb_secret_x');
select pgflow.create_flow('child');
select pgflow.add_step('child', 'ask', performed_by => 'approval');
select pgflow.add_step('child', 'work', array['ask']);
select pgflow.create_flow('parent', base_delay => 0);
select pgflow.add_step('parent', 'sub', performed_by => 'subflow', subflow_slug => 'child');
select pgflow.start_flow('parent', '1', run_id => '10000000-0000-4000-8000-000000000001');
select pgflow_tests.poll_and_complete('parent');

create function pg_temp.called()
  returns text[]
  language sql
as $$
  with gone as (delete from net.http_request_queue where true returning url)
  select array_agg(substring(url, '[^/]*$') order by url)
  from gone, (select count(*) from gone) x;
$$;

select pg_temp.called();
update pgflow.functions set woken_at = null where true;
select pgflow.complete_step((select run_id from pgflow.runs where flow_slug = 'child'), 'ask', '1');
select is(pg_temp.called(), array['child', 'parent'], 'an answered approval wakes its flow, and its parent''s');
select pgflow.cancel_run('10000000-0000-4000-8000-000000000001');
update pgflow.functions set woken_at = null where true;
select pgflow.retry_run('10000000-0000-4000-8000-000000000001');
select is(pg_temp.called(), array['parent'], 'so does a run that is retried');
select pgflow_tests.poll_and_complete('parent');
update pgflow.functions set woken_at = null where true;
select pgflow.fail_step(
  (select run_id from pgflow.runs where flow_slug = 'child' and status = 'started'), 'ask', 'no'
);
select is(pg_temp.called(), array['child', 'parent'], 'so does an approval that is refused');
select is_empty('select * from pgflow.broken_invariants', 'nothing is broken');

select finish();
rollback;
