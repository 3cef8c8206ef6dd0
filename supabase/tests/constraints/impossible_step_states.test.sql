begin;
select plan(18);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('single');
select pgflow.start_flow('single', '1', run_id => '10000000-0000-4000-8000-000000000001');
create function pg_temp.refused(change text, constraint_name text, description text) returns text language sql as $$
  select throws_ok(
    format('update pgflow.step_states set %s where true', change), '23514',
    format('new row for relation "step_states" violates check constraint "%s"', constraint_name), description
  );
$$;

select pg_temp.refused($$status = 'paused'$$, 'status_is_known', 'an unknown status');
select pg_temp.refused('remaining_deps = -1', 'remaining_deps_is_not_negative', 'waiting for less than nothing');
select pg_temp.refused('remaining_tasks = -1', 'remaining_tasks_fit', 'less than no tasks');
select pg_temp.refused('remaining_tasks = 2', 'remaining_tasks_fit', 'more tasks left than there were');
select pg_temp.refused($$status = 'created'$$, 'created_step_is_not_started', 'created after it started');
select pg_temp.refused('started_at = null', 'started_step_has_time', 'started without a time');
select pg_temp.refused(
  $$status = 'completed', remaining_tasks = 0$$, 'completed_step_has_time', 'completed without a time'
);
select pg_temp.refused('completed_at = now()', 'completed_step_has_time', 'a time of completion without it');
select pg_temp.refused(
  $$status = 'completed', completed_at = now()$$, 'completed_step_has_no_tasks_left', 'completed with a task left'
);
select pg_temp.refused($$status = 'failed'$$, 'failed_step_has_time', 'failed without a time');
select pg_temp.refused('failed_at = now()', 'failed_step_has_time', 'a time of failure without it');
select pg_temp.refused(
  $$status = 'skipped', skip_reason = 'handler_failed'$$, 'skipped_step_has_time', 'skipped without a time'
);
select pg_temp.refused(
  $$status = 'skipped', skipped_at = now()$$, 'skipped_step_has_reason', 'skipped without a reason'
);
select pg_temp.refused($$skip_reason = 'handler_failed'$$, 'skipped_step_has_reason', 'a reason without being skipped');
select pg_temp.refused(
  $$status = 'skipped', skipped_at = now(), skip_reason = 'mood'$$, 'skip_reason_is_known', 'an unknown reason'
);
select pg_temp.refused($$status = 'cancelled'$$, 'cancelled_step_has_time', 'cancelled without a time');
select pg_temp.refused('cancelled_at = now()', 'cancelled_step_has_time', 'a time of cancelling without it');
select throws_ok(
  $$ insert into pgflow.step_states (flow_slug, run_id, step_slug)
     values ('single', '10000000-0000-4000-8000-00000000000f', 'only') $$, '23503',
  'insert or update on table "step_states" violates foreign key constraint "step_states_run_id_fkey"', 'an unknown run'
);

select finish();
rollback;
