import postgres from "postgres";
import type { TestDatabase } from "../database.ts";

/** One connection of its own, whose transactions a test opens and ends by hand. */
export interface Session extends AsyncDisposable {
  sql: postgres.Sql;
  pid: number;
  begin(): Promise<void>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
}

/** Opens a session; what should never wait long fails after ten seconds instead of hanging. */
export async function openSession(database: TestDatabase): Promise<Session> {
  const sql = postgres(database.url, {
    max: 1,
    onnotice: () => {},
    connection: { lock_timeout: 10_000, statement_timeout: 30_000 },
  });
  const [row] = await sql`select pg_backend_pid() as pid`;
  const run = async (command: string) => void await sql.unsafe(command);
  return {
    sql,
    pid: row!.pid,
    begin: () => run("begin"),
    commit: () => run("commit"),
    rollback: () => run("rollback"),
    [Symbol.asyncDispose]: () => sql.end({ timeout: 1 }),
  };
}

/** Resolves when the session waits for a lock; rejects when its call ends without having waited. */
export function untilBlocked(
  database: TestDatabase,
  session: Session,
  call: Promise<unknown>,
): Promise<void> {
  return untilWaiting(database, session, call, "Lock");
}

/** Resolves when the session sleeps between two looks; rejects when its call ends before that. */
export function untilSleeping(
  database: TestDatabase,
  session: Session,
  call: Promise<unknown>,
): Promise<void> {
  return untilWaiting(database, session, call, "Timeout");
}

async function untilWaiting(
  database: TestDatabase,
  session: Session,
  call: Promise<unknown>,
  eventType: string,
): Promise<void> {
  let ended = false;
  const end = () => ended = true;
  call.then(end, end);
  while (true) {
    const [row] = await database.sql`
      select wait_event_type from pg_stat_activity where pid = ${session.pid} and state = 'active'
    `;
    if (row?.wait_event_type === eventType) return;
    if (ended) {
      const outcome = await call.then((value) => JSON.stringify(value));
      throw new Error(`Expected the call to wait (${eventType}), but it ended: ${outcome}`);
    }
  }
}
