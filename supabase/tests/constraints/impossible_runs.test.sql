begin;
select plan(13);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('single');
select pgflow.start_flow('single', '1', run_id => '10000000-0000-4000-8000-000000000001');
create function pg_temp.refused(change text, constraint_name text, description text) returns text language sql as $$
  select throws_ok(
    format('update pgflow.runs set %s where true', change), '23514',
    format('new row for relation "runs" violates check constraint "%s"', constraint_name), description
  );
$$;

select pg_temp.refused($$status = 'paused'$$, 'status_is_known', 'an unknown status');
select pg_temp.refused('remaining_steps = -1', 'remaining_steps_is_not_negative', 'a counter below zero');
select pg_temp.refused($$status = 'completed'$$, 'completed_run_has_time', 'completed without a time');
select pg_temp.refused('completed_at = now()', 'completed_run_has_time', 'a time of completion without it');
select pg_temp.refused($$status = 'failed'$$, 'failed_run_has_time', 'failed without a time');
select pg_temp.refused('failed_at = now()', 'failed_run_has_time', 'a time of failure without it');
select pg_temp.refused($$status = 'cancelled'$$, 'cancelled_run_has_time', 'cancelled without a time');
select pg_temp.refused('cancelled_at = now()', 'cancelled_run_has_time', 'a time of cancelling without it');
select pg_temp.refused(
  $$status = 'completed', completed_at = now(), failed_at = now()$$, 'failed_run_has_time', 'two ends at once'
);
select pg_temp.refused($$output = '1'$$, 'output_belongs_to_completed_run', 'an output before the end');
select pg_temp.refused('parent_run_id = run_id', 'child_run_has_place', 'half a place in a parent');
select throws_ok(
  $$ update pgflow.runs set input = null where true $$, '23502',
  'null value in column "input" of relation "runs" violates not-null constraint', 'no input'
);
select throws_ok(
  $$ insert into pgflow.runs (flow_slug, input) values ('nowhere', '1') $$, '23503',
  'insert or update on table "runs" violates foreign key constraint "runs_flow_slug_fkey"', 'an unknown flow'
);

select finish();
rollback;
