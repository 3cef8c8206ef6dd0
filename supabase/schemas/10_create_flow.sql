-- create_flow: create a flow and its queue.
--
-- Again with the same slug: returns the row as it is, no second queue. Two at once are serialised
-- by the primary key.
create or replace function pgflow.create_flow(
  flow_slug text,
  max_attempts int default 3,
  base_delay int default 5,
  timeout int default 60,
  on_failure_slug text default null,
  startable_by text[] default '{}',
  open_runs_per_owner int default null,
  starts_per_minute_per_owner int default null,
  retry_jitter float8 default 0,
  broadcast boolean default false
)
  returns pgflow.flows
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_flow pgflow.flows;
begin
  if pgflow.is_valid_slug(create_flow.flow_slug) and length(create_flow.flow_slug) > 47 then
    raise exception using
      errcode = 'PF006',
      message = format(
        'Cannot create flow "%s": its slug has %s characters',
        create_flow.flow_slug,
        length(create_flow.flow_slug)
      ),
      hint = 'The slug also names the flow''s queue: use at most 47 characters.';
  end if;

  insert into pgflow.flows (
    flow_slug, opt_max_attempts, opt_base_delay, opt_timeout, on_failure_slug,
    startable_by, open_runs_per_owner, starts_per_minute_per_owner, opt_retry_jitter,
    broadcast
  )
  values (
    create_flow.flow_slug,
    create_flow.max_attempts,
    create_flow.base_delay,
    create_flow.timeout,
    create_flow.on_failure_slug,
    coalesce(create_flow.startable_by, '{}'),
    create_flow.open_runs_per_owner,
    create_flow.starts_per_minute_per_owner,
    create_flow.retry_jitter,
    coalesce(create_flow.broadcast, false)
  )
  on conflict do nothing
  returning * into v_flow;

  if found then
    perform pgmq.create(queue_name => v_flow.flow_slug);
    perform pgflow._protect_queue(v_flow.flow_slug);
    perform pgflow._presume_functions();
    return v_flow;
  end if;

  select f.* into v_flow
  from pgflow.flows f
  where lower(f.flow_slug) = lower(create_flow.flow_slug);

  if v_flow.flow_slug <> create_flow.flow_slug then
    raise exception using
      errcode = 'PF006',
      message = format(
        'Cannot create flow "%s": it differs from flow "%s" only by case',
        create_flow.flow_slug,
        v_flow.flow_slug
      ),
      hint = 'Queue names are lower-cased, so the two would share one queue: use another slug.';
  end if;

  return v_flow;
end;
$$;

-- _protect_queue: turn row level security on for a flow's queue and its archive.
--
-- For the owner nothing changes. Without a policy nobody else reaches them, even in a project that
-- lets clients use other queues of pgmq.
create or replace function pgflow._protect_queue(flow_slug text)
  returns void
  language plpgsql
  set search_path = ''
as $$
begin
  execute format(
    'alter table pgmq.%I enable row level security',
    'q_' || lower(_protect_queue.flow_slug)
  );
  execute format(
    'alter table pgmq.%I enable row level security',
    'a_' || lower(_protect_queue.flow_slug)
  );
end;
$$;

comment on function
  pgflow.create_flow(text, int, int, int, text, text[], int, int, float8, boolean) is
  'Creates a flow and its queue; delays and timeouts are in seconds.';
