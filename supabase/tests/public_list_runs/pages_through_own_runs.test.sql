begin;
select plan(10);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('single');
select pgflow_tests.setup_flow('sequential');
insert into pgflow.runs (run_id, flow_slug, owner, started_at, status, failed_at, input)
select
  format('10000000-0000-4000-8000-00000000000%s', i)::uuid,
  case when i % 2 = 0 then 'single' else 'sequential' end,
  case when i < 6 then 'a0000000-0000-4000-8000-00000000000a'::uuid end,
  -- The third and the fourth started at the same moment.
  now() + make_interval(secs => case i when 4 then 3 else i end),
  case when i = 2 then 'failed' else 'started' end,
  case when i = 2 then now() end,
  '{"secret": 1}'
from generate_series(1, 7) i;

create function public.numbers(rows anyarray) returns text
language sql as $$ select string_agg(right(r ->> 'run_id', 1), '') from jsonb_array_elements(to_jsonb(rows)) r $$;

select pgflow_tests.act_as('authenticated', 'a0000000-0000-4000-8000-00000000000a');
select is(public.numbers(array(select r from public.list_runs() r)), '54321', 'own runs come newest first');
select is(
  public.numbers(array(select r from public.list_runs(page_size => 2) r)), '54', 'a page at a time'
);
select is(
  (
    with first_page as (select to_jsonb(r) as row from public.list_runs(page_size => 2) r)
    select public.numbers(array(select r from public.list_runs(page_size => 2, before => f.row) r))
    from first_page f
    offset 1
  ),
  '32',
  'the next page comes after the last row, which started at the same moment as the first here'
);
select is(
  public.numbers(array(select r from public.list_runs(flow_slug => 'single') r)), '42', 'by flow'
);
select is(
  public.numbers(array(select r from public.list_runs(status => 'failed') r)), '2', 'by status'
);
select is(
  public.numbers(array(select r from public.list_runs(before => jsonb_build_object('started_at', now() + interval '2 s')) r)),
  '21',
  'or before a time'
);
select ok(
  not exists (select from public.list_runs() r where to_jsonb(r)::text ~ 'secret'), 'inputs are not listed'
);
reset role;
select pgflow_tests.act_as('authenticated', 'b0000000-0000-4000-8000-00000000000b');
select is_empty('select * from public.list_runs()', 'another user has none');
reset role;
select pgflow_tests.act_as('authenticated');
select is_empty('select * from public.list_runs()', 'a token without an id has none, though some have no owner');
reset role;
select pgflow_tests.act_as('service_role');
select is(
  public.numbers(array(select r from public.list_runs(page_size => 6) r)), '765432', 'the server sees all'
);

select finish();
rollback;
