import postgres from "postgres";
import { pause } from "./pause.ts";

// A worker without a sign of life for so long is taken for dead.
const SILENCE = "15 seconds";
const LOOK_MS = 500;

/**
 * Wakes workers that have ended while there are tasks for them, as the platform's watchdog does from
 * the database; returns what stops it.
 */
export function startWatchdog(
  databaseUrl: string,
  wake: (functionName: string) => Promise<void>,
): AsyncDisposable {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} });
  const stopped = new AbortController();
  const loop = (async () => {
    while (!stopped.signal.aborted) {
      // Without the database, or with a function that does not start, there is the next look.
      await wakeNeeded(sql, wake).catch(() => {});
      await pause(LOOK_MS, stopped.signal);
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      stopped.abort();
      await loop;
      await sql.end({ timeout: 1 });
    },
  };
}

async function wakeNeeded(
  sql: postgres.Sql,
  wake: (functionName: string) => Promise<void>,
): Promise<void> {
  const rows = await sql<{ function_name: string }[]>`
    select distinct w.function_name
    from pgflow.workers w
    where exists (
        select
        from pgflow.step_tasks t
        where t.flow_slug = any (string_to_array(w.queue_name, ','))
          and t.status in ('queued', 'started')
          and (t.due_at is null or t.due_at <= now())
      )
      and not exists (
        select
        from pgflow.workers alive
        where alive.function_name = w.function_name
          and alive.stopped_at is null
          and alive.last_heartbeat_at > now() - ${SILENCE}::interval
      )
  `;
  await Promise.all(rows.map(({ function_name }) => wake(function_name)));
}
