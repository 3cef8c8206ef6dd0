-- _archive_messages: archive messages of any number of queues, one pgmq call per queue.
create or replace function pgflow._archive_messages(flow_slugs text[], message_ids bigint[])
  returns void
  language plpgsql
  set search_path = ''
as $$
begin
  perform
  from (
    select m.flow_slug, array_agg(m.message_id) as message_ids
    from unnest(_archive_messages.flow_slugs, _archive_messages.message_ids)
      as m (flow_slug, message_id)
    where m.message_id is not null
    group by m.flow_slug
  ) q
  cross join lateral pgmq.archive(queue_name => q.flow_slug, msg_ids => q.message_ids);
end;
$$;

-- _hide_messages: make messages of one queue visible so many seconds from now (0: at once).
--
-- pgmq.set_vt takes one message a call and counts from the transaction's start.
create or replace function pgflow._hide_messages(
  flow_slug text,
  message_ids bigint[],
  seconds int[]
)
  returns void
  language plpgsql
  set search_path = ''
as $$
begin
  execute format(
    $query$
      update pgmq.%I as m
      set vt = clock_timestamp() + make_interval(secs => h.seconds)
      from unnest($1, $2) as h (message_id, seconds)
      where m.msg_id = h.message_id
    $query$,
    'q_' || lower(_hide_messages.flow_slug)
  )
  using _hide_messages.message_ids, _hide_messages.seconds;
end;
$$;
