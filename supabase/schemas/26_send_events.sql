-- _send_events: tell whoever watches what became of runs and steps. The only file that touches
-- realtime.
--
-- Whoever changes runs gets from _lock_families the states of the watched ones, which nobody else
-- can change from then on, and passes them on here when it is done. What differs is sent, in one
-- statement for all runs: one event for each state that changed, however it came about. A run that
-- nobody watches costs a look at a variable. A step that is cancelled has no event of its own: its
-- run's end says it.
create or replace function pgflow._send_events(known jsonb)
  returns void
  language plpgsql
  set search_path = ''
as $$
begin
  if to_regclass('realtime.messages') is null then
    return;
  end if;

  if has_table_privilege('realtime.messages', 'insert') then
    insert into realtime.messages (topic, extension, event, payload, private)
    select c.topic, 'broadcast', c.event, c.payload, true
    from pgflow._changes_since(_send_events.known) c;
  else
    perform realtime.send(c.payload, c.event, c.topic, true)
    from pgflow._changes_since(_send_events.known) c;
  end if;
exception
  -- Whatever is wrong with Realtime, the run goes on: who watches can read its state.
  when others then
    raise warning 'Cannot send events: %', sqlerrm;
end;
$$;

-- _watched_states: the state of each of these runs (under the key '') and of its steps.
--
-- The state of a started step with many tasks is followed by the number of tasks that are left.
create or replace function pgflow._watched_states(run_ids uuid[])
  returns jsonb
  language plpgsql
  set search_path = ''
as $$
begin
  return (
    select
      jsonb_object_agg(
        r.run_id,
        jsonb_build_object('', r.status) || (
          select coalesce(
            jsonb_object_agg(
              s.step_slug,
              case
                when s.status = 'started' and s.initial_tasks > 1
                  then s.status || ' ' || s.remaining_tasks
                else s.status
              end
            ),
            '{}'
          )
          from pgflow.step_states s
          where s.run_id = r.run_id
        )
      )
    from pgflow.runs r
    where r.run_id = any (_watched_states.run_ids)
  );
end;
$$;

-- _changes_since: the events that tell how runs and steps differ from the states known.
--
-- In the order in which a watcher can follow: a run's start, what ended, what started, a run's end.
-- A step with many tasks tells its progress at most four times a second. Outputs of more than
-- 16 kB stay out: Realtime counts bytes, and whoever wants them reads the run.
create or replace function pgflow._changes_since(known jsonb)
  returns table (topic text, event text, payload jsonb)
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  with changes as materialized (
    select k.run_id, e.*
    from (
      select x.key::uuid as run_id, x.value as states
      from jsonb_each(_changes_since.known) x
    ) k
    cross join lateral (
      select
        null::text as step_slug,
        r.flow_slug,
        r.status,
        r.status as news,
        case r.status when 'started' then 0 else 3 end as position,
        0 as step_index,
        coalesce(r.completed_at, r.failed_at, r.cancelled_at, r.started_at) as changed_at,
        r.output,
        r.error_message,
        null::int as tasks_done,
        null::int as tasks_total
      from pgflow.runs r
      where r.run_id = k.run_id
        and r.status is distinct from k.states ->> ''
      union all
      select
        s.step_slug,
        null,
        s.status,
        l.news,
        case l.news when 'started' then 2 else 1 end,
        (
          select st.step_index
          from pgflow.steps st
          where st.flow_slug = s.flow_slug
            and st.step_slug = s.step_slug
        ),
        coalesce(s.completed_at, s.failed_at, s.skipped_at, s.started_at),
        case
          when s.status = 'completed' then coalesce(
            s.output,
            (
              select t.output
              from pgflow.step_tasks t
              where t.run_id = s.run_id
                and t.step_slug = s.step_slug
                and t.task_index = 0
            )
          )
        end,
        s.error_message,
        case when s.initial_tasks > 1 then s.initial_tasks - s.remaining_tasks end,
        case when s.initial_tasks > 1 then s.initial_tasks end
      from pgflow.step_states s
      cross join lateral (
        select
          case
            when s.status <> 'started' or k.states ->> s.step_slug not like 'started%'
              or not k.states ? s.step_slug then s.status
            when s.initial_tasks > 1
              and k.states ->> s.step_slug <> 'started ' || s.remaining_tasks
              and (
                s.progress_at is null
                or s.progress_at < clock_timestamp() - interval '250 milliseconds'
              ) then 'progress'
          end as news
      ) l
      where s.run_id = k.run_id
        and s.status not in ('created', 'cancelled')
        and s.status is distinct from k.states ->> s.step_slug
        and l.news is not null
    ) e
  ),

  progressed as (
    update pgflow.step_states s
    set progress_at = clock_timestamp()
    from changes c
    where c.news = 'progress'
      and s.run_id = c.run_id
      and s.step_slug = c.step_slug
  )

  select
    'pgflow:run:' || c.run_id,
    concat_ws(':', case when c.step_slug is null then 'run' else 'step' end, c.step_slug, c.news),
    jsonb_build_object(
      'event_type', case when c.step_slug is null then 'run:' else 'step:' end || c.news,
      'run_id', c.run_id,
      case when c.step_slug is null then 'flow_slug' else 'step_slug' end,
      coalesce(c.step_slug, c.flow_slug),
      'status', c.status,
      c.status || '_at', c.changed_at
    )
    || case
      when c.status <> 'completed' then '{}'
      when pg_column_size(c.output) > 16384 then '{"output_omitted": true}'
      when octet_length(c.output::text) > 16384 then '{"output_omitted": true}'
      else jsonb_build_object('output', c.output)
    end
    || case
      when c.error_message is null then '{}'
      else jsonb_build_object('error_message', left(c.error_message, 4096))
    end
    || case
      when c.tasks_total is null or c.status <> 'started' then '{}'
      else jsonb_build_object('tasks_done', c.tasks_done, 'tasks_total', c.tasks_total)
    end
  from changes c
  order by c.run_id, c.position, c.step_index;
end;
$$;

-- _may_watch: whether the caller of the API is the owner of the run whose topic this is.
--
-- Security definer, because Realtime asks in the role of the caller, who may read no table.
create or replace function pgflow._may_watch(topic text)
  returns boolean
  language sql
  stable
  security definer
  set search_path = ''
as $$
  select exists (
    select
    from pgflow.runs r
    where r.run_id = case
        when _may_watch.topic ~ '^pgflow:run:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
          then substr(_may_watch.topic, 12)::uuid
      end
      and r.owner = (select pgflow._user_id())
  );
$$;

-- _guard_realtime: let signed-in users join the private topics of their own runs, and nobody else.
--
-- The restrictive policy keeps runs private in a project whose own policies open all topics, and
-- keeps clients from sending what looks like an event. Where Realtime is set up later, call it
-- again then: until that, nobody but the service role may join.
create or replace function pgflow._guard_realtime(signed_in_role text, anonymous_role text)
  returns void
  language plpgsql
  set search_path = ''
as $$
begin
  if to_regclass('realtime.messages') is null then
    return;
  end if;

  drop policy if exists pgflow_owners_watch_runs on realtime.messages;
  drop policy if exists pgflow_runs_are_private on realtime.messages;

  execute format(
    $policy$
      create policy pgflow_owners_watch_runs on realtime.messages
        for select
        to %I
        using (
          extension = 'broadcast'
          and (select pgflow._may_watch((select realtime.topic())))
        )
    $policy$,
    _guard_realtime.signed_in_role
  );

  execute format(
    $policy$
      create policy pgflow_runs_are_private on realtime.messages
        as restrictive
        for all
        to %I, %I
        using (
          topic not like 'pgflow:run:%%'
          or (select pgflow._may_watch((select realtime.topic())))
        )
        with check (topic not like 'pgflow:run:%%')
    $policy$,
    _guard_realtime.signed_in_role,
    _guard_realtime.anonymous_role
  );
exception
  when insufficient_privilege then
    raise warning 'Cannot protect the events of runs: %', sqlerrm
      using hint = 'Call pgflow._guard_realtime again as a role that may create policies there.';
end;
$$;
