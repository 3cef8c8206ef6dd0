import type postgres from "postgres";

/**
 * Returns what is wrong with the events that were sent until this moment: each state of a watched
 * run and of its steps must have been told once, in order, and nothing else.
 *
 * Needs {@linkcode numberEvents} before. A start of a run begins a new part of its story, in which
 * each of its states and each state of its steps comes at most once.
 */
export async function brokenEvents(sql: postgres.Sql): Promise<string[]> {
  const rows = await sql<{ broken: string }[]>`
    with events as materialized (
      select
        r.run_id,
        m.position,
        m.event,
        m.payload,
        m.payload ->> 'step_slug' as step_slug,
        count(*) filter (where m.event = 'run:started')
          over (partition by r.run_id order by m.position) as part
      from realtime.messages m
      join pgflow.runs r on m.topic = 'pgflow:run:' || r.run_id
    ),
    last_events as (
      select distinct on (e.run_id, e.step_slug) e.*
      from events e
      where e.event not like '%:progress'
      order by e.run_id, e.step_slug, e.position desc
    )
    select format('run %s is not watched, but told %s', e.run_id, e.event) as broken
    from events e
    join pgflow.runs r using (run_id)
    where not r.broadcast
    union all
    select format('run %s told %s before its start', e.run_id, e.event)
    from events e
    where e.part = 0
      -- A flow without steps is completed as it starts.
      and exists (select from pgflow.step_states s where s.run_id = e.run_id)
    union all
    select format('run %s told %s %s times in part %s', e.run_id, e.event, count(*), e.part)
    from events e
    where e.event not like '%:progress'
    group by e.run_id, e.event, e.part
    having count(*) > 1
    union all
    select format('run %s told %s after its end', e.run_id, e.event)
    from events e
    join events ended on ended.run_id = e.run_id
      and ended.part = e.part
      and ended.position < e.position
      and ended.event in ('run:completed', 'run:failed', 'run:cancelled')
    union all
    select format('run %s is %s, but told %s last', r.run_id, r.status, l.event)
    from pgflow.runs r
    left join last_events l on l.run_id = r.run_id and l.step_slug is null
    where r.broadcast
      and l.event is distinct from 'run:' || r.status
    union all
    select format('step %s of run %s is %s, but told %s last', s.step_slug, s.run_id, s.status, l.event)
    from pgflow.step_states s
    join pgflow.runs r using (run_id)
    left join last_events l on l.run_id = s.run_id and l.step_slug = s.step_slug
    where r.broadcast
      and s.status not in ('created', 'cancelled')
      and l.event is distinct from 'step:' || s.step_slug || ':' || s.status
    union all
    select format('step %s of run %s told another output', s.step_slug, s.run_id)
    from last_events l
    join pgflow.step_states s on s.run_id = l.run_id and s.step_slug = l.step_slug
    left join pgflow.step_tasks t
      on t.run_id = s.run_id
      and t.step_slug = s.step_slug
      and t.task_index = 0
    where s.status = 'completed'
      and l.payload -> 'output' is distinct from coalesce(s.output, t.output)
      and not l.payload ? 'output_omitted'
    union all
    select format('run %s told %s with progress %s', e.run_id, e.event, e.payload)
    from events e
    where e.event like '%:progress'
      and not (e.payload ->> 'tasks_done')::int
        between 1 and (e.payload ->> 'tasks_total')::int - 1
  `;
  return rows.map(({ broken }) => broken);
}

/** Lets events be told apart by when they were sent, which nothing on the platform needs. */
export async function numberEvents(sql: postgres.Sql): Promise<void> {
  await sql`alter table realtime.messages add column if not exists position bigserial`;
}
