-- Development helpers for tests and for trying things in psql; never part of the migrations.

create extension if not exists pgtap;

drop schema if exists pgflow_tests cascade;
create schema pgflow_tests;

-- reset_db: forget all flows, runs, workers and queues.
create function pgflow_tests.reset_db()
  returns void
  language plpgsql
as $$
begin
  delete from pgflow.step_tasks where true;
  delete from pgflow.step_states where true;
  delete from pgflow.runs where true;
  delete from pgflow.deps where true;
  delete from pgflow.steps where true;
  delete from pgflow.flows where true;
  delete from pgflow.workers where true;
  delete from pgflow.functions where true;
  perform pgmq.drop_queue(queue_name) from pgmq.meta;
end;
$$;

-- setup_flow: create one of the flows that tests speak of.
create function pgflow_tests.setup_flow(flow_slug text)
  returns void
  language plpgsql
as $$
begin
  perform pgflow.create_flow(setup_flow.flow_slug);
  case setup_flow.flow_slug
    when 'single' then
      perform pgflow.add_step('single', 'only');
    when 'sequential' then
      perform pgflow.add_step('sequential', 'first');
      perform pgflow.add_step('sequential', 'second', array['first']);
      perform pgflow.add_step('sequential', 'last', array['second']);
    when 'diamond' then
      perform pgflow.add_step('diamond', 'root');
      perform pgflow.add_step('diamond', 'left', array['root']);
      perform pgflow.add_step('diamond', 'right', array['root']);
      perform pgflow.add_step('diamond', 'join', array['left', 'right']);
    when 'two_roots' then
      perform pgflow.add_step('two_roots', 'root_a');
      perform pgflow.add_step('two_roots', 'root_b');
      perform pgflow.add_step('two_roots', 'last', array['root_a', 'root_b']);
    when 'two_roots_left_right' then
      perform pgflow.add_step('two_roots_left_right', 'connected_root');
      perform pgflow.add_step('two_roots_left_right', 'disconnected_root');
      perform pgflow.add_step('two_roots_left_right', 'left', array['connected_root']);
      perform pgflow.add_step('two_roots_left_right', 'right', array['connected_root']);
    when 'map_root' then
      perform pgflow.add_step('map_root', 'each', step_type => 'map');
      perform pgflow.add_step('map_root', 'sum', array['each']);
    when 'map_chain' then
      perform pgflow.add_step('map_chain', 'list');
      perform pgflow.add_step('map_chain', 'each', array['list'], step_type => 'map');
      perform pgflow.add_step('map_chain', 'again', array['each'], step_type => 'map');
      perform pgflow.add_step('map_chain', 'sum', array['again']);
    else
      raise exception 'Cannot set up flow "%": the tests know no such flow', setup_flow.flow_slug;
  end case;
end;
$$;

-- act_as: be a caller of the API until the end of the transaction, or until "reset role".
create function pgflow_tests.act_as(
  role_name text,
  user_id uuid default null,
  app_metadata jsonb default '{}'
)
  returns void
  language sql
as $$
  select set_config(
    'request.jwt.claims',
    jsonb_build_object(
      'role', act_as.role_name,
      'sub', act_as.user_id,
      'app_metadata', act_as.app_metadata
    )::text,
    true
  );
  select set_config('role', act_as.role_name, true);
$$;

-- poll: claim tasks as a worker would, without waiting.
create function pgflow_tests.poll(flow_slug text, qty int default 1, vt int default 1)
  returns setof pgflow.step_task_record
  language sql
as $$
  select t.*
  from pgflow.poll_for_tasks(
    queue_name => poll.flow_slug,
    vt => poll.vt,
    qty => poll.qty,
    max_poll_seconds => 0,
    worker_id => '00000000-0000-4000-8000-000000000001'
  ) t;
$$;

-- poll_and_complete: claim tasks and complete each with an output that says which it was.
create function pgflow_tests.poll_and_complete(flow_slug text, qty int default 1)
  returns setof pgflow.step_tasks
  language sql
as $$
  select c.*
  from pgflow_tests.poll(poll_and_complete.flow_slug, poll_and_complete.qty) t
  cross join lateral pgflow.complete_task(
    t.run_id,
    t.step_slug,
    t.task_index,
    jsonb_build_object('step', t.step_slug, 'index', t.task_index),
    t.attempt
  ) c;
$$;

-- poll_and_fail: claim tasks and fail each.
create function pgflow_tests.poll_and_fail(flow_slug text, qty int default 1)
  returns setof pgflow.step_tasks
  language sql
as $$
  select f.*
  from pgflow_tests.poll(poll_and_fail.flow_slug, poll_and_fail.qty) t
  cross join lateral pgflow.fail_task(
    t.run_id, t.step_slug, t.task_index, format('%s failed', t.step_slug), t.attempt
  ) f;
$$;

-- make_visible: let all messages of a queue be visible now, as if their time had come.
create function pgflow_tests.make_visible(flow_slug text)
  returns void
  language plpgsql
as $$
begin
  execute format(
    'update pgmq.%I set vt = clock_timestamp() - interval ''1 second'' where true',
    'q_' || lower(make_visible.flow_slug)
  );
end;
$$;

-- make_due: let all tasks that wait outside a queue be due now, as if their time had come.
create function pgflow_tests.make_due(flow_slug text)
  returns void
  language sql
as $$
  update pgflow.step_tasks t
  set due_at = clock_timestamp() - interval '1 second'
  where t.flow_slug = make_due.flow_slug
    and t.due_at is not null;
$$;

-- seconds_hidden: the time each message of a queue stays hidden, in whole seconds from now.
create function pgflow_tests.seconds_hidden(flow_slug text)
  returns table (msg_id bigint, seconds int)
  language plpgsql
as $$
begin
  return query execute format(
    'select q.msg_id, round(extract(epoch from q.vt - clock_timestamp()))::int'
      ' from pgmq.%I q order by 1',
    'q_' || lower(seconds_hidden.flow_slug)
  );
end;
$$;

-- queued_steps: the step and index of each message in a queue, in order of message.
create function pgflow_tests.queued_steps(flow_slug text)
  returns table (step_slug text, task_index int)
  language plpgsql
as $$
begin
  return query execute format(
    'select q.message ->> ''step_slug'', (q.message ->> ''task_index'')::int'
      ' from pgmq.%I q order by q.msg_id',
    'q_' || lower(queued_steps.flow_slug)
  );
end;
$$;

-- reset_events: forget all events, so that those to come lie in their order.
create function pgflow_tests.reset_events()
  returns void
  language plpgsql
as $$
begin
  truncate realtime.messages;
end;
$$;

-- events: what was sent to the topic of a run, in order; needs reset_events before.
create function pgflow_tests.events(run_id uuid)
  returns table (event text, payload jsonb)
  language plpgsql
as $$
begin
  return query
  select m.event, m.payload - 'id'
  from realtime.messages m
  where m.topic = 'pgflow:run:' || events.run_id
    and m.extension = 'broadcast'
    and m.private
  order by m.tableoid, m.ctid;
end;
$$;
