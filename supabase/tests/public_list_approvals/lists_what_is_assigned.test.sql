begin;
select plan(9);
select pgflow_tests.reset_db();
select pgflow.create_flow('expenses', startable_by => array['authenticated']);
select pgflow.add_step('expenses', 'each', performed_by => 'approval', step_type => 'map', assignee => 'user:boss');
select pgflow.create_flow('expense', startable_by => array['authenticated']);
select pgflow.add_step('expense', 'by_owner', performed_by => 'approval', assignee => 'owner', timeout => 60);
select pgflow.add_step('expense', 'by_role', performed_by => 'approval', assignee => 'role:manager');
select pgflow.add_step('expense', 'by_server', performed_by => 'approval');
create function public.slugs(rows anyarray) returns text
language sql as $$
  select string_agg(concat(r ->> 'step_slug', r ->> 'task_index'), ' ') from jsonb_array_elements(to_jsonb(rows)) r
$$;

select pgflow_tests.act_as('authenticated', 'a0000000-0000-4000-8000-00000000000a');
select public.start_flow('expense', '{"sum": 7}', '10000000-0000-4000-8000-000000000001');
select public.start_flow(
  'expenses',
  '[
    {"boss": "b0000000-0000-4000-8000-00000000000b"}, {"boss": "nobody"},
    {"boss": "b0000000-0000-4000-8000-00000000000b", "sum": 9}, 5
  ]',
  '10000000-0000-4000-8000-000000000002'
);
select public.start_flow(
  'expense', '1', '10000000-0000-4000-8000-000000000003', start_at => now() + interval '1 day'
);

select results_eq(
  $$
    select flow_slug, step_slug, task_index, assignee, until - waiting_since, input
    from public.list_approvals()
  $$,
  $$
    values (
      'expense', 'by_owner', 0, 'user:a0000000-0000-4000-8000-00000000000a', interval '60 s',
      '{"run": {"sum": 7}}'::jsonb
    )
  $$,
  'an owner sees what is asked of them, and not before it is'
);

reset role;
select pgflow_tests.act_as('authenticated', 'b0000000-0000-4000-8000-00000000000b');
select results_eq(
  'select step_slug, task_index, input from public.list_approvals()',
  $$
    values
      ('each', 0, '{"boss": "b0000000-0000-4000-8000-00000000000b"}'::jsonb),
      ('each', 2, '{"boss": "b0000000-0000-4000-8000-00000000000b", "sum": 9}')
  $$,
  'another sees what is asked of them, the elements of a map by themselves'
);
select is(
  (
    with first_page as (select to_jsonb(a) as row from public.list_approvals(page_size => 1) a)
    select public.slugs(array(select a from public.list_approvals(after => f.row) a)) from first_page f
  ),
  'each2',
  'the next page comes after the last row'
);
select public.complete_step('10000000-0000-4000-8000-000000000002', 'each', '1', 2);
select is(public.slugs(array(select a from public.list_approvals() a)), 'each0', 'until it is answered');

reset role;
select pgflow_tests.act_as('authenticated', 'b0000000-0000-4000-8000-00000000000b', '{"role": "manager"}');
select is(
  public.slugs(array(select a from public.list_approvals() a)), 'by_role0 each0', 'roles count as well'
);
select is(
  public.slugs(array(select a from public.list_approvals(page_size => 1) a)), 'by_role0', 'a page at a time'
);

reset role;
select pgflow_tests.act_as('service_role');
select is(
  public.slugs(array(select a from public.list_approvals() a)),
  'by_owner0 by_role0 by_server0 each0 each1 each3',
  'the server sees all'
);
reset role;
select pgflow_tests.act_as('authenticated', null, '{"role": "manager"}');
select is_empty('select * from public.list_approvals()', 'a role without a user is nobody');

reset role;
select pgflow.cancel_run(run_id) from pgflow.runs;
select is_empty(
  'select from pgflow.step_tasks where waiting_since is not null', 'an ended run waits for nothing'
);

select finish();
rollback;
