-- stuck_runs: open runs that nothing will move on by itself, why, since when, and what to do.
--
-- For people: it looks at every run, so ask once in a while. A run that waits for a child run is
-- left out, because the child tells the reason.
create or replace function pgflow.stuck_runs(
  quiet_for interval default '1 minute',
  max_runs int default 100
)
  returns table (
    run_id uuid,
    flow_slug text,
    step_slug text,
    reason text,
    since timestamptz,
    advice text
  )
  language sql
  stable
  set search_path = ''
as $$
  select r.run_id, r.flow_slug, w.step_slug, w.reason, w.since, w.advice
  from pgflow.runs r
  cross join lateral pgflow.why(r.run_id) w
  where r.status = 'started'
    and r.started_at < statement_timestamp() - stuck_runs.quiet_for
    and w.since < statement_timestamp() - stuck_runs.quiet_for
    and (
      coalesce(w.until <= statement_timestamp(), true)
      -- Its time limit is no reason to let it pass.
      or w.reason like 'waiting for an approval%'
    )
    and w.reason not like 'waiting for child run%'
  order by w.since
  limit stuck_runs.max_runs;
$$;

comment on function pgflow.stuck_runs(interval, int) is
  'Open runs that nothing will move on by itself, why, since when, and what to do.';
