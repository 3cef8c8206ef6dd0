import type postgres from "postgres";

/**
 * Adds runs of a flow that have ended, with their steps, tasks and archived messages, as sets.
 *
 * All steps of the flow are single. Foreign keys are not checked, which needs a superuser.
 */
export async function addFinishedRuns(
  sql: postgres.Sql,
  flow: string,
  count: number,
): Promise<void> {
  const sequence = `pgmq.q_${flow.toLowerCase()}_msg_id_seq`;
  await withoutChecks(sql, async (sql) => {
    await sql`
      with new_runs as (
        insert into pgflow.runs (
          run_id, flow_slug, status, started_at, completed_at, input, output
        )
        select
          -- Ids in the order of time, as start_flow makes them.
          (
            lpad(to_hex((extract(epoch from t.at) * 1000)::bigint), 12, '0') || '7'
            || substr(gen_random_uuid()::text, 16)
          )::uuid,
          ${flow}, 'completed', t.at, t.at + interval '1 second',
          jsonb_build_object('i', i), '{"c": {"ok": true}}'
        from generate_series(1, ${count}::int) i
        cross join lateral (
          select now() - interval '30 days' + i * interval '20 us' as at
        ) t
        returning run_id, started_at, completed_at
      ),

      new_states as (
        insert into pgflow.step_states (
          flow_slug, run_id, step_slug, status, initial_tasks, remaining_tasks, created_at,
          started_at, completed_at
        )
        select
          s.flow_slug, r.run_id, s.step_slug, 'completed', 1, 0, r.started_at, r.started_at,
          r.completed_at
        from new_runs r
        cross join pgflow.steps s
        where s.flow_slug = ${flow}
      ),

      new_tasks as (
        insert into pgflow.step_tasks (
          flow_slug, run_id, step_slug, message_id, status, attempts_count, last_worker_id,
          queued_at, started_at, completed_at, output
        )
        select
          s.flow_slug, r.run_id, s.step_slug, nextval(${sequence}), 'completed', 1,
          '00000000-0000-4000-8000-000000000001', r.started_at, r.started_at, r.completed_at,
          '{"ok": true}'
        from new_runs r
        cross join pgflow.steps s
        where s.flow_slug = ${flow}
        returning flow_slug, run_id, step_slug, message_id, queued_at, completed_at
      )

      insert into pgmq.${sql(`a_${flow.toLowerCase()}`)} (
        msg_id, read_ct, enqueued_at, archived_at, vt, message
      )
      select
        t.message_id, 1, t.queued_at, t.completed_at, t.queued_at,
        jsonb_build_object(
          'flow_slug', t.flow_slug, 'run_id', t.run_id, 'step_slug', t.step_slug, 'task_index', 0
        )
      from new_tasks t`;
  });
}

/** Adds runs of a flow whose first steps start in an hour, as sets. */
export async function addDelayedRuns(
  sql: postgres.Sql,
  flow: string,
  count: number,
): Promise<void> {
  await withoutChecks(sql, async (sql) => {
    await sql`
      with new_runs as (
        insert into pgflow.runs (run_id, flow_slug, remaining_steps, start_at, input)
        select
          pgflow._new_run_id(), ${flow},
          (select count(*) from pgflow.steps s where s.flow_slug = ${flow}),
          now() + interval '1 hour', jsonb_build_object('i', i)
        from generate_series(1, ${count}::int) i
        returning run_id, start_at
      ),

      new_states as (
        insert into pgflow.step_states (
          flow_slug, run_id, step_slug, status, initial_tasks, remaining_tasks, remaining_deps,
          started_at
        )
        select
          s.flow_slug, r.run_id, s.step_slug,
          case when s.deps_count = 0 then 'started' else 'created' end, 1, 1, s.deps_count,
          case when s.deps_count = 0 then now() end
        from new_runs r
        cross join pgflow.steps s
        where s.flow_slug = ${flow}
      )

      insert into pgflow.step_tasks (flow_slug, run_id, step_slug, due_at)
      select s.flow_slug, r.run_id, s.step_slug, r.start_at
      from new_runs r
      cross join pgflow.steps s
      where s.flow_slug = ${flow}
        and s.deps_count = 0`;
  });
}

/** Referential checks, one for each row, would take most of the time. */
async function withoutChecks(
  sql: postgres.Sql,
  work: (sql: postgres.TransactionSql) => Promise<void>,
): Promise<void> {
  await sql.begin(async (sql) => {
    await sql`set local session_replication_role = replica`;
    await sql`set local work_mem = '256MB'`;
    const tables = await sql<{ name: string; fillfactor: string }[]>`
      select oid::regclass::text as name, split_part(o, '=', 2) as fillfactor
      from pg_class, unnest(reloptions) o
      where relnamespace = 'pgflow'::regnamespace and o like 'fillfactor=%'`;
    // Rows that came to their end have used up the room that their pages kept for updates.
    for (const { name } of tables) {
      await sql.unsafe(`alter table ${name} set (fillfactor = 100)`);
    }
    await work(sql);
    for (const { name, fillfactor } of tables) {
      await sql.unsafe(`alter table ${name} set (fillfactor = ${fillfactor})`);
    }
  });
}
