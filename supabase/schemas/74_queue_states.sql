-- queue_states: how much waits for each flow's workers, for how long, and how many workers live.
--
-- ready: messages that may be claimed now, the oldest since oldest_ready_at. hidden: claimed ones,
-- and retries of the next minute. later: tasks outside the queue, the first due at next_due_at.
create or replace function pgflow.queue_states()
  returns table (
    flow_slug text,
    ready int,
    oldest_ready_at timestamptz,
    hidden int,
    later int,
    next_due_at timestamptz,
    live_workers int
  )
  language plpgsql
  stable
  set search_path = ''
as $$
declare
  v_query text;
begin
  select string_agg(
    format(
      $query$
        select
          %1$L::text as flow_slug,
          count(*) filter (where m.vt <= $1)::int as ready,
          min(m.vt) filter (where m.vt <= $1) as oldest_ready_at,
          count(*) filter (where m.vt > $1)::int as hidden
        from pgmq.%2$I m
      $query$,
      f.flow_slug,
      'q_' || lower(f.flow_slug)
    ),
    ' union all '
  )
  into v_query
  from pgflow.flows f;

  if v_query is null then
    return;
  end if;

  return query execute format(
    $query$
      select
        q.flow_slug, q.ready, q.oldest_ready_at, q.hidden, t.later, t.next_due_at, w.live_workers
      from (%s) q
      cross join lateral (
        select count(*)::int as later, min(x.due_at) as next_due_at
        from pgflow.step_tasks x
        where x.flow_slug = q.flow_slug
          and x.due_at is not null
      ) t
      cross join lateral (
        select count(*)::int as live_workers
        from pgflow.live_workers x
        where q.flow_slug = any (x.queue_names)
          and x.state <> 'deprecated'
      ) w
      order by q.oldest_ready_at nulls last, q.flow_slug
    $query$,
    v_query
  )
  using clock_timestamp();
end;
$$;

comment on function pgflow.queue_states() is
  'How much waits for each flow''s workers, for how long, and how many workers live.';
