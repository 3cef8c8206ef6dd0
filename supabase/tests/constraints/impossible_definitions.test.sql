begin;
select plan(17);
select pgflow_tests.reset_db();
select pgflow.create_flow('f');
select pgflow.add_step('f', 'a');
create function pg_temp.refused(change text, constraint_name text, description text) returns text language sql as $$
  select throws_ok(
    format('update pgflow.steps set %s where true', change), '23514',
    format('new row for relation "steps" violates check constraint "%s"', constraint_name), description
  );
$$;

select pg_temp.refused('opt_max_attempts = -1', 'max_attempts_is_not_negative', 'less than no attempts');
select pg_temp.refused('opt_base_delay = -1', 'base_delay_is_not_negative', 'a delay below zero');
select pg_temp.refused('opt_timeout = 0', 'timeout_is_positive', 'no time at all');
select pg_temp.refused('opt_start_delay = -1', 'start_delay_is_not_negative', 'a start before the start');
select pg_temp.refused(
  $$forbidden_input_pattern = '1'$$, 'forbidden_input_pattern_is_object', 'a pattern that is no object'
);
select pg_temp.refused(
  $$performed_by = 'subflow'$$, 'subflow_step_names_its_flow', 'a subflow step without a flow'
);
select pg_temp.refused($$subflow_slug = 'f'$$, 'subflow_step_names_its_flow', 'a flow without a subflow step');
select pg_temp.refused($$assignee = 'owner'$$, 'assignee_belongs_to_approval', 'somebody who answers for a handler');
select pg_temp.refused(
  format('performed_by = ''approval'', assignee = %L', a.assignee),
  'assignee_is_known',
  format('an approval assigned to "%s"', a.assignee)
)
from unnest(array['somebody', 'role:', 'user:a..b', '']) as a (assignee);
select throws_ok(
  format('update pgflow.flows set %s where true', c.change), '23514',
  format('new row for relation "flows" violates check constraint "%s"', c.constraint_name), c.change
)
from (
  values
    ('startable_by = array[null]', 'startable_by_names_roles'),
    ('open_runs_per_owner = 0', 'open_runs_per_owner_is_positive'),
    ('starts_per_minute_per_owner = 0', 'starts_per_minute_per_owner_is_positive')
) as c (change, constraint_name);
select throws_ok(
  $$ insert into pgflow.steps (flow_slug, step_slug, step_index) values ('f', 'b', 0) $$, '23505',
  'duplicate key value violates unique constraint "step_index_is_unique"', 'two steps in one place'
);
select throws_ok(
  $$ insert into pgflow.flows (flow_slug) values ('F') $$, '23505',
  'duplicate key value violates unique constraint "flows_queue_idx"', 'two flows of one queue'
);

select finish();
rollback;
