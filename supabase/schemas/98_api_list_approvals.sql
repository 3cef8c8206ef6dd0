-- api_list_approvals: the approvals that wait for the caller's answer, oldest first, a page at a
-- time.
--
-- For the server: all that wait. The next page comes after the last row of this one, given as
-- after: of its keys waiting_since, run_id, step_slug and task_index are read. Goes by the index of
-- waiting approvals, once for the user and once for each of the user's roles.
create type pgflow.listed_approval as (
  run_id uuid,
  flow_slug text,
  step_slug text,
  task_index int,
  assignee text,
  waiting_since timestamptz,
  until timestamptz,
  input jsonb
);

comment on type pgflow.listed_approval is 'An approval that waits, with what there is to decide.';

create or replace function pgflow.api_list_approvals(page_size int, after jsonb)
  returns setof pgflow.listed_approval
  language plpgsql
  stable
  security definer
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_caller pgflow.caller := pgflow._caller();
  v_page_size int := least(greatest(coalesce(api_list_approvals.page_size, 50), 1), 1000);
  v_after timestamptz := coalesce(
    (api_list_approvals.after ->> 'waiting_since')::timestamptz,
    '-infinity'
  );
  v_after_run_id uuid := coalesce(
    (api_list_approvals.after ->> 'run_id')::uuid,
    '00000000-0000-0000-0000-000000000000'
  );
  v_after_step_slug text := coalesce(api_list_approvals.after ->> 'step_slug', '');
  v_after_task_index int := coalesce((api_list_approvals.after ->> 'task_index')::int, -1);
begin
  return query
  with page as (
    select t.*
    from unnest(case when v_caller.sees_all then '{}' else v_caller.assignees end) as a (assignee)
    cross join lateral (
      select x.*
      from pgflow.step_tasks x
      where x.assignee = a.assignee
        and x.waiting_since between v_after and now()
        and (x.waiting_since, x.run_id, x.step_slug, x.task_index)
          > (v_after, v_after_run_id, v_after_step_slug, v_after_task_index)
      order by x.waiting_since, x.run_id, x.step_slug, x.task_index
      limit v_page_size
    ) t
    union all
    (
      select x.*
      from pgflow.step_tasks x
      where v_caller.sees_all
        and x.waiting_since between v_after and now()
        and (x.waiting_since, x.run_id, x.step_slug, x.task_index)
          > (v_after, v_after_run_id, v_after_step_slug, v_after_task_index)
      order by x.waiting_since, x.run_id, x.step_slug, x.task_index
      limit v_page_size
    )
    order by waiting_since, run_id, step_slug, task_index
    limit v_page_size
  )

  select
    p.run_id,
    p.flow_slug,
    p.step_slug,
    p.task_index,
    p.assignee,
    p.waiting_since,
    p.due_at,
    case
      when st.step_type = 'map' then p.input
      else (
        select i.input
        from pgflow.step_inputs i
        where i.run_id = p.run_id
          and i.step_slug = p.step_slug
      )
    end
  from page p
  join pgflow.steps st
    on st.flow_slug = p.flow_slug
    and st.step_slug = p.step_slug
  order by p.waiting_since, p.run_id, p.step_slug, p.task_index;
end;
$$;

comment on function pgflow.api_list_approvals(int, jsonb) is
  'The approvals that wait for the caller''s answer, oldest first, a page at a time.';

-- public.list_approvals: what supabase.rpc('list_approvals') calls.
create or replace function public.list_approvals(page_size int default 50, after jsonb default null)
  returns setof pgflow.listed_approval
  language sql
  stable
  set search_path = ''
as $$
  select a.* from pgflow.api_list_approvals(list_approvals.page_size, list_approvals.after) a;
$$;

comment on function public.list_approvals(int, jsonb) is
  'The approvals that wait for the caller''s answer, oldest first; after: the previous page''s last row.';
