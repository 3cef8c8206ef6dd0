-- failure_rates: how often each step's attempts failed, in runs started within a period.
create or replace function pgflow.failure_rates(period interval default '1 day')
  returns table (
    flow_slug text,
    step_slug text,
    attempts int,
    failures int,
    failure_rate numeric,
    last_error text,
    last_failed_at timestamptz
  )
  language sql
  stable
  set search_path = ''
as $$
  select
    t.flow_slug,
    t.step_slug,
    sum(t.attempts_count)::int as attempts,
    sum(f.failures)::int as failures,
    round(sum(f.failures) / nullif(sum(t.attempts_count), 0), 3) as failure_rate,
    (array_agg(f.last_error order by f.last_failed_at desc nulls last))[1] as last_error,
    max(f.last_failed_at) as last_failed_at
  from pgflow.flows w
  join pgflow.runs r
    on r.flow_slug = w.flow_slug
    and r.started_at > statement_timestamp() - failure_rates.period
  join pgflow.step_tasks t
    on t.run_id = r.run_id
  cross join lateral (
    select
      count(*) as failures,
      (array_agg(x.error_message order by x.failed_at desc))[1] as last_error,
      max(x.failed_at) as last_failed_at
    from pgflow.task_failures x
    where x.run_id = t.run_id
      and x.step_slug = t.step_slug
      and x.task_index = t.task_index
  ) f
  where t.attempts_count > 0
  group by t.flow_slug, t.step_slug
  order by failure_rate desc nulls last, t.flow_slug, t.step_slug;
$$;

comment on function pgflow.failure_rates(interval) is
  'How often each step''s attempts failed, in runs started within a period, and the last error.';
