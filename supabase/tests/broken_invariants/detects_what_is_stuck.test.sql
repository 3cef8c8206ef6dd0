begin;
select plan(9);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('sequential');
select pgflow.start_flow('sequential', '1', run_id => '10000000-0000-4000-8000-000000000001');
create function pg_temp.found_after(change text) returns setof text language plpgsql as $$
declare
  v_found text[];
begin
  begin
    execute change;
    select array_agg(concat_ws(' ', b.invariant, b.step_slug) order by 1) into v_found from pgflow.broken_invariants b;
    raise exception using errcode = 'ZZ999';
  exception
    when sqlstate 'ZZ999' then null;
  end;
  return query select unnest(v_found);
end;
$$;

select is_empty('select * from pgflow.broken_invariants', 'nothing is broken to begin with');
select ok(
  'open run has nothing open' = any (array(select pg_temp.found_after($$
    update pgflow.step_states set status = 'created', started_at = null where true
  $$))),
  'an open run in which nothing is open'
);
select ok(
  'ended step has an open task first' = any (array(select pg_temp.found_after($$
    update pgflow.step_states set status = 'completed', remaining_tasks = 0, completed_at = now() where step_slug = 'first'
  $$))),
  'an open task of an ended step'
);
select ok(
  'ended run has an open step first' = any (array(select pg_temp.found_after($$
    update pgflow.runs set status = 'failed', failed_at = now() where true
  $$))),
  'an open step of an ended run'
);
select ok(
  'ended run has an open step second' = any (array(select pg_temp.found_after($$
    update pgflow.runs set status = 'cancelled', cancelled_at = now() where true
  $$))),
  'a created one too'
);
select results_eq(
  $$ select pg_temp.found_after('update pgflow.step_tasks set message_id = null where true') $$,
  $$ select 'open task has neither a message nor something it waits for first'
     union all
     select format('message %s of queue "sequential" has no open task first', q.msg_id) from pgmq.q_sequential q
     order by 1 desc $$,
  'an open task without a message or a time'
);
select results_eq(
  $$ select pg_temp.found_after('delete from pgmq.q_sequential') $$,
  $$ values ('open task''s message is not in its queue first') $$,
  'an open task whose message is gone'
);
select results_eq(
  $$ select pg_temp.found_after($c$
       select pgmq.send('sequential', '{"flow_slug": "sequential", "run_id": "10000000-0000-4000-8000-000000000001", "step_slug": "last", "task_index": 0}')
     $c$) like 'message % of queue "sequential" has no open task last' $$,
  $$ values (true) $$,
  'a message whose task is not open'
);
select isnt_empty(
  $$ select pg_temp.found_after($c$
       delete from pgflow.step_tasks where true
     $c$) $$,
  'a started step without its task'
);

select finish();
rollback;
