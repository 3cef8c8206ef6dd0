import { addDelayedRuns, addFinishedRuns } from "../fill_tables.ts";
import { compileBenchFlow, type Drain, drainFlow, flows, openConnection } from "./drain.ts";

const CHUNK = 100_000;

/** Fills a database with runs of the chain that ended long ago. */
export function fillWithFinishedRuns(url: string, count: number): Promise<void> {
  return fill(url, count, addFinishedRuns);
}

/** Fills a database with runs of the chain whose first task waits for an hour. */
export function fillWithDelayedRuns(url: string, count: number): Promise<void> {
  return fill(url, count, addDelayedRuns);
}

async function fill(url: string, count: number, add: typeof addFinishedRuns): Promise<void> {
  const sql = openConnection(url);
  await compileBenchFlow(sql, flows.chain);
  for (let rest = count; rest > 0; rest -= CHUNK) {
    await add(sql, flows.chain.slug, Math.min(rest, CHUNK));
  }
  await sql`vacuum analyze`;
  await sql.end();
}

/** A drain in one setting, between two in another: whatever the machine drifts by counts for both. */
export interface Compared {
  /** The mean of the two. */
  usual: Drain;
  /** The one between them. */
  other: Drain;
}

/** Drains in two settings in turns, round after round. */
export async function drainInTurns(
  rounds: number,
  drainUsual: () => Promise<Drain>,
  drainOther: () => Promise<Drain>,
): Promise<Compared[]> {
  const compared: Compared[] = [];
  for (let round = 0; round < rounds; round++) {
    const before = await drainUsual();
    const other = await drainOther();
    const after = await drainUsual();
    const mean = (of: (drain: Drain) => number) => (of(before) + of(after)) / 2;
    const usual = {
      perSecond: mean(({ perSecond }) => perSecond),
      walPerRun: mean(({ walPerRun }) => walPerRun),
      events: mean(({ events }) => events),
    };
    compared.push({ usual, other });
  }
  return compared;
}

/** Drains the chain, and counts the transactions of the database that failed meanwhile. */
export async function drainAndCountErrors(
  url: string,
  options: { tasks: number; batch: number; workers: number },
): Promise<Drain & { errors: number }> {
  const before = await countErrors(url);
  const drained = await drainFlow(url, flows.chain, options);
  return { ...drained, errors: await countErrors(url) - before };
}

/** Deadlocks and serialization failures are among them; connections report when they end. */
async function countErrors(url: string): Promise<number> {
  const sql = openConnection(url);
  const [row] = await sql<{ errors: number }[]>`
    select (xact_rollback + deadlocks)::int as errors
    from pg_stat_database
    where datname = current_database()`;
  await sql.end();
  return row!.errors;
}
