begin;
select plan(3);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('map_root');

select pgflow.start_flow('map_root', '["a", "b"]', start_at => now() + interval '1 hour');

select results_eq(
  $$ select step_slug, task_index, input, message_id, due_at - now()
     from pgflow.step_tasks order by task_index $$,
  $$ values ('each', 0, '"a"'::jsonb, null::bigint, interval '1 hour'),
            ('each', 1, '"b"', null, interval '1 hour') $$,
  'each element waits as a due row'
);
select pgflow_tests.make_due('map_root');
select results_eq(
  $$ select task_index, input from pgflow_tests.poll('map_root', 5) $$,
  $$ values (0, '"a"'::jsonb), (1, '"b"') $$,
  'and enters the queue when its time has come'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
