-- step_durations: how long the tasks of some flows took lately, per step.
--
-- From at most 200 tasks of each step in each of a flow's latest runs, so that it costs the same
-- with ten runs as with a million. Workers ask when they start: what they have little time left for
-- is left to their successors.
create or replace function pgflow.step_durations(flow_slugs text[], runs_each int default 20)
  returns table (
    flow_slug text,
    step_slug text,
    tasks int,
    mean_seconds double precision,
    longest_seconds double precision
  )
  language sql
  stable
  set search_path = ''
  set enable_seqscan = off
  set enable_hashjoin = off
  set enable_mergejoin = off
as $$
  select
    s.flow_slug,
    s.step_slug,
    count(*)::int,
    avg(t.seconds),
    max(t.seconds)
  from (select distinct u.flow_slug from unnest(step_durations.flow_slugs) as u (flow_slug)) f
  cross join lateral (
    select x.run_id
    from pgflow.runs x
    where x.flow_slug = f.flow_slug
    order by x.started_at desc
    limit step_durations.runs_each
  ) r
  join pgflow.steps s
    on s.flow_slug = f.flow_slug
    and s.performed_by <> 'approval'
  cross join lateral (
    select extract(epoch from x.completed_at - x.started_at)::double precision as seconds
    from pgflow.step_tasks x
    where x.run_id = r.run_id
      and x.step_slug = s.step_slug
      and x.status = 'completed'
      and x.child_run_id is null
      and x.started_at is not null
    limit 200
  ) t
  group by s.flow_slug, s.step_slug
  order by s.flow_slug, s.step_slug;
$$;

comment on function pgflow.step_durations(text[], int) is
  'How long the tasks of each step took in a flow''s latest runs.';
