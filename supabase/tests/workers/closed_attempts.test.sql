begin;
select plan(3);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('single');
select pgflow.start_flow('single', '1', run_id => format('10000000-0000-4000-8000-00000000000%s', i)::uuid)
from generate_series(1, 4) i;
select pgflow_tests.poll('single', 4);

create temp view attempts as
select jsonb_agg(jsonb_build_object('run_id', run_id, 'step_slug', step_slug, 'task_index', task_index, 'attempt', 1)) as held
from pgflow.step_tasks;

select is_empty(
  'select c.* from attempts a, pgflow.closed_attempts(a.held) c', 'attempts that are open are not closed'
);

select pgflow.cancel_run('10000000-0000-4000-8000-000000000001');
select pgflow.complete_task('10000000-0000-4000-8000-000000000002', 'only', 0, '1');
update pgmq.q_single set vt = now() - interval '1 second' where message ->> 'run_id' like '%3';
select pgflow_tests.poll('single');
select results_eq(
  $$ select right(c.run_id::text, 1), c.step_slug, c.task_index, c.attempt
     from attempts a, pgflow.closed_attempts(a.held) c order by 1 $$,
  $$ values ('1', 'only', 0, 1), ('2', 'only', 0, 1), ('3', 'only', 0, 1) $$,
  'a cancelled run, a reported task and one handed to somebody else close them'
);
select results_eq(
  $$ select step_slug, attempt from pgflow.closed_attempts(
       '[{"run_id": "10000000-0000-4000-8000-000000000009", "step_slug": "x", "task_index": 0, "attempt": 1}]'
     ) $$,
  $$ values ('x', 1) $$, 'what nobody knows is closed'
);

select finish();
rollback;
