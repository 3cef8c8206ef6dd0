import { startStack } from "../../lib/local/stack.ts";
import { wakeWorker } from "../../lib/local/wake_worker.ts";
import { openConnection } from "./drain.ts";

/** A line of a worker's log. */
interface Line {
  time: string;
  message: string;
  worker: string;
}

const entrypoint = import.meta.resolve("./edge_function.ts");
/** The life of the isolates, and when its end is announced. */
const WALL_CLOCK_MS = 10_000;
const ANNOUNCED_MS = 9000;
const env = { PGFLOW_LOG_FORMAT: "json", PGFLOW_LOG_LEVEL: "debug" };

/**
 * Lets functions live through so many ends of their isolates, several functions at once, and returns
 * for each the milliseconds in which none of a function's workers claimed, sorted.
 */
export async function respawnGaps(respawns: number): Promise<number[]> {
  const names = Array.from({ length: Math.min(4, respawns) }, (_, i) => `bench_respawn_${i}`);
  const lines = new Map<string, Line[]>(names.map((name) => [name, []]));
  const enough = Promise.withResolvers<void>();
  const starts = () =>
    [...lines.values()].map((each) => each.filter(isStart).length - 1)
      .reduce((sum, count) => sum + count, 0);
  await using stack = await startStack({
    functions: names.map((name) => ({ name, entrypoint })),
    limits: { wallClock: WALL_CLOCK_MS },
    env: { ...env, BENCH_IDLE_SECONDS: "3600" },
    onLog: ({ name, text }) => {
      lines.get(name)!.push(JSON.parse(text));
      if (starts() >= respawns) enough.resolve();
    },
  });
  for (const name of names) await wakeWorker(stack, name, AbortSignal.timeout(30_000));
  await enough.promise;
  // The last predecessors hear a little later that their successors work.
  await new Promise((resolve) => setTimeout(resolve, 1000));
  return [...lines.values()].flatMap(gapsOf).slice(0, respawns).sort((a, b) => a - b);
}

/** Measures the milliseconds from start_flow, with no isolate there, to the handler; sorted. */
export async function coldStarts(samples: number): Promise<number[]> {
  const name = "bench_cold";
  let handled = () => {};
  let stopped = () => {};
  await using stack = await startStack({
    functions: [{ name, entrypoint }],
    env: { ...env, BENCH_IDLE_SECONDS: "0.1" },
    onLog: ({ text }) => {
      const { message } = JSON.parse(text) as Line;
      if (message === "handled") handled();
      if (message === "worker stopped") stopped();
    },
  });
  let hasStopped = new Promise<void>((resolve) => stopped = resolve);
  await wakeWorker(stack, name, AbortSignal.timeout(30_000));
  const sql = openConnection(stack.databaseUrl);
  const latencies: number[] = [];
  for (let i = 0; i < samples; i++) {
    await hasStopped;
    await stack.host.reload(name);
    hasStopped = new Promise<void>((resolve) => stopped = resolve);
    const isHandled = new Promise<void>((resolve) => handled = resolve);
    const began = performance.now();
    await sql`select from pgflow.start_flow(${name}, '1')`;
    await isHandled;
    latencies.push(performance.now() - began);
  }
  await sql.end();
  return latencies.sort((a, b) => a - b);
}

function isStart({ message }: Line): boolean {
  return message === "worker started";
}

function gapsOf(lines: Line[]): number[] {
  const starts = lines.filter(isStart).sort((a, b) => a.time.localeCompare(b.time));
  return starts.slice(1).map(({ time }, i) => {
    const before = starts[i]!;
    const end = lines.find(({ message, worker }) =>
      worker === before.worker && /^worker (takes no more tasks|stops)$/.test(message)
    );
    // Of one that was killed without a word the worst is taken.
    const claimedUntil = end === undefined
      ? Date.parse(before.time) + ANNOUNCED_MS
      : Date.parse(end.time);
    return Math.max(0, Date.parse(time) - claimedUntil);
  });
}
