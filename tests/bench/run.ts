/**
 * Measures the engine and the worker on one embedded Postgres, in one run, and prints a table.
 *
 * `deno task bench` prints Markdown, `deno task bench --json` the figures alone. `BENCH_TASKS` sets
 * the tasks of each drain (default 9,000), `BENCH_ROUNDS` how often each is repeated (default 5); the
 * median counts. The drains take turns, and a ratio is the median of the rounds' ratios.
 * `BENCH_RESPAWNS` are the ends of isolates that are lived through (default 100);
 * `BENCH_FINISHED` and `BENCH_DELAYED` are the runs in the filled tables (default 1,000,000 and
 * 100,000).
 *
 * @module
 */
import { applyMigrations } from "../../lib/local/migrate.ts";
import { startPostgres } from "../../lib/local/postgres.ts";
import {
  type Drain,
  drainFloor,
  drainFlow,
  drainMap,
  flows,
  openConnection,
  startRuns,
} from "./drain.ts";
import { coldStarts, respawnGaps } from "./edge.ts";
import { type Figure, printTable } from "./figures.ts";
import {
  drainAndCountErrors,
  drainInTurns,
  fillWithDelayedRuns,
  fillWithFinishedRuns,
} from "./scale.ts";
import { countStatements } from "./statements.ts";
import { drainByWorkers, idleCpu, idleLatencies, idleWorkers } from "./workers.ts";

const tasks = Number(Deno.env.get("BENCH_TASKS") ?? 9000);
const rounds = Number(Deno.env.get("BENCH_ROUNDS") ?? 5);
const finished = Number(Deno.env.get("BENCH_FINISHED") ?? 1_000_000);
const delayed = Number(Deno.env.get("BENCH_DELAYED") ?? 100_000);
const figures: Figure[] = [];
const parts: Record<string, (url: string) => Promise<void>> = {
  throughput: measureThroughput,
  events: measureEvents,
  maps: measureMaps,
  connections: measureConnections,
  starts: measureStarts,
  workers: measureWorkers,
  edge: measureEdge,
  statements: measureStatements,
  // Last: what it leaves behind is vacuumed for minutes.
  sizes: measureSizes,
};
const chosen = Deno.args.filter((arg) => !arg.startsWith("--"));
const unknown = chosen.filter((name) => !(name in parts));
if (unknown.length > 0) {
  console.error(
    `Cannot measure "${unknown.join(" ")}": the parts are ${Object.keys(parts).join(", ")}`,
  );
  Deno.exit(2);
}

const postgres = await startPostgres({
  durable: true,
  settings: {
    shared_preload_libraries: "pg_stat_statements",
    "pg_stat_statements.track": "none",
    max_wal_size: "8GB",
    shared_buffers: "512MB",
  },
});
try {
  const url = await postgres.createDatabase("bench");
  await applyMigrations(url);
  for (const [name, measure] of Object.entries(parts)) {
    if (chosen.length === 0 || chosen.includes(name)) await measure(url);
  }
} finally {
  await postgres.stop();
}

if (Deno.args.includes("--json")) console.log(JSON.stringify(figures, null, 2));
else printTable(figures);

async function measureThroughput(url: string): Promise<void> {
  for (const batch of [10, 50]) {
    const options = { tasks, batch, workers: 2 };
    const floor: Drain[] = [];
    const chain: Drain[] = [];
    const diamond: Drain[] = [];
    const crowded: Drain[] = [];
    const alone: Drain[] = [];
    for (let round = 1; round <= rounds; round++) {
      progress(`batches of ${batch}, round ${round} of ${rounds}`);
      floor.push(await drainFloor(url, options));
      chain.push(await drainFlow(url, flows.chain, options));
      diamond.push(await drainFlow(url, flows.diamond, options));
      {
        await using _idle = await idleWorkers(url, 20);
        crowded.push(await drainFlow(url, flows.chain, options));
      }
      alone.push(await drainFlow(url, flows.chain, options));
    }
    const rate = (drains: Drain[]) => median(drains.map((drain) => drain.perSecond));
    // Drains of one round are minutes nearer to each other than medians of all rounds.
    const ratio = (drains: Drain[], to: Drain[]) =>
      median(drains.map((drain, round) => drain.perSecond / to[round]!.perSecond));
    add(`floor: bare pgmq, batches of ${batch}`, rate(floor), "tasks/s");
    add(`chain of three, batches of ${batch}`, rate(chain), "tasks/s");
    add(`chain / floor, batches of ${batch}`, ratio(chain, floor), "ratio", { atLeast: 0.3 });
    add(`diamond, batches of ${batch}`, rate(diamond), "tasks/s");
    add(`diamond / floor, batches of ${batch}`, ratio(diamond, floor), "ratio");
    add(
      `chain beside 20 idle workers / alone, batches of ${batch}`,
      // Between two drains alone, so that whatever the machine drifts by counts for both sides.
      median(
        crowded.map(({ perSecond }, round) =>
          2 * perSecond / (chain[round]!.perSecond + alone[round]!.perSecond)
        ),
      ),
      "ratio",
      { atLeast: 0.85 },
    );
    if (batch === 10) {
      const wal = median(diamond.map((drain) => drain.walPerRun));
      add("WAL per diamond, start to end", wal / 1000, "kB", { atMost: 12 });
    }
  }
  progress("one-step runs");
  const single = await drainFlow(url, flows.single, { tasks: tasks / 3, batch: 10, workers: 2 });
  add("WAL per one-step run, start to end", single.walPerRun / 1000, "kB");
}

async function measureEvents(url: string): Promise<void> {
  const sql = openConnection(url);
  // The platform reads the write-ahead log, where the local stack has a trigger.
  await sql`alter table realtime.messages disable trigger user`;
  await sql.end();
  for (const batch of [10, 50]) {
    const options = { tasks, batch, workers: 2 };
    const off: Drain[] = [];
    const on: Drain[] = [];
    for (let round = 1; round <= rounds; round++) {
      progress(`events, batches of ${batch}, round ${round} of ${rounds}`);
      off.push(await drainFlow(url, flows.chain, options));
      on.push(await drainFlow(url, flows.chain, { ...options, watched: true }));
    }
    const ratio = median(on.map(({ perSecond }, round) => perSecond / off[round]!.perSecond));
    add(`chain, events on / off, batches of ${batch}`, ratio, "ratio", { atLeast: 0.75 });
    if (batch === 10) {
      const runs = Math.round(tasks / flows.chain.tasksPerRun);
      const wal = on.map((drain, round) =>
        (drain.walPerRun - off[round]!.walPerRun) * runs / drain.events
      );
      add("WAL per event", median(wal) / 1000, "kB");
    }
  }
}

async function measureMaps(url: string): Promise<void> {
  const sizes = [1000, 10_000, 100_000].filter((elements) => elements <= tasks * 12);
  const options = { batch: 50, workers: 2 };
  const floors: number[] = [];
  const rates: number[] = [];
  for (const elements of sizes) {
    progress(`a map of ${elements} elements`);
    floors.push((await drainFloor(url, { tasks, ...options })).perSecond);
    const { perSecond, seconds } = await drainMap(url, { elements, ...options });
    rates.push(perSecond);
    const count = elements.toLocaleString("en");
    add(`map of ${count} elements, batches of 50`, perSecond, "tasks/s");
    const target = elements === 10_000 ? { atMost: 2 } : undefined;
    add(`map of ${count} elements, from start to join`, seconds, "s", target);
  }
  add("map / floor, batches of 50", median(rates) / median(floors), "ratio", { atLeast: 0.4 });
  if (sizes.length === 3) {
    add("map of 100,000 / map of 1,000", rates[2]! / rates[0]!, "ratio", { atLeast: 0.7 });
  }
}

async function measureConnections(url: string): Promise<void> {
  // Long enough for 20 connections to have their share.
  const options = { tasks: tasks * 2, batch: 10 };
  let errors = 0;
  const drainBy = (workers: number) => async () => {
    progress(`${workers} connections on one flow`);
    const drained = await drainAndCountErrors(url, { ...options, workers });
    errors += drained.errors;
    return drained;
  };
  const compared = await drainInTurns(rounds, drainBy(4), drainBy(20));
  const rate = (of: "usual" | "other") => median(compared.map((round) => round[of].perSecond));
  add("chain by 4 connections, batches of 10", rate("usual"), "tasks/s");
  add("chain by 20 connections, batches of 10", rate("other"), "tasks/s");
  const ratios = compared.map(({ usual, other }) => other.perSecond / usual.perSecond);
  add("chain by 20 connections / by 4", median(ratios), "ratio", { atLeast: 1 });
  add("failed transactions of 4 and 20 connections", errors, "errors", { atMost: 0 });
}

async function measureSizes(url: string): Promise<void> {
  const options = { tasks, batch: 10, workers: 2 };
  for (
    const { name, count, fill } of [
      { name: "finished runs", count: finished, fill: fillWithFinishedRuns },
      { name: "delayed tasks", count: delayed, fill: fillWithDelayedRuns },
    ]
  ) {
    const what = `${count.toLocaleString("en")} ${name}`;
    progress(`filling the tables with ${what}`);
    const fullUrl = await postgres.createDatabase(`full_of_${name.replace(" ", "_")}`);
    await applyMigrations(fullUrl);
    await fill(fullUrl, count);
    const drainAt = (at: string) => () => {
      progress(`chain ${at === fullUrl ? "beside" : "without"} ${what}`);
      return drainFlow(at, flows.chain, options);
    };
    const compared = await drainInTurns(rounds, drainAt(url), drainAt(fullUrl));
    const ratio = (of: keyof Drain) =>
      median(compared.map(({ usual, other }) => other[of] / usual[of]));
    add(`chain beside ${what} / alone`, ratio("perSecond"), "ratio", { atLeast: 0.9 });
    add(`WAL per chain beside ${what} / alone`, ratio("walPerRun"), "ratio");
  }
}

async function measureStarts(url: string): Promise<void> {
  progress("starts");
  const sql = openConnection(url);
  const { slug, shape } = flows.chain;
  await sql`select pgflow.ensure_flow_compiled(${slug}, ${JSON.stringify(shape)}::text::jsonb)`;
  const calls = 500;
  let began = performance.now();
  for (let i = 0; i < calls; i++) {
    await sql`select from pgflow.start_flow(${slug}, ${JSON.stringify({ i })}::text::jsonb)`;
  }
  add("start_flow, one after another", calls / (performance.now() - began) * 1000, "runs/s");
  began = performance.now();
  await startRuns(sql, slug, 5000);
  add("start_flows, 5,000 in one call", 5000 / (performance.now() - began) * 1000, "runs/s");
  await sql`delete from pgflow.runs where true`;
  await sql`select pgmq.purge_queue(${slug})`;
  await sql.end();
}

async function measureWorkers(url: string): Promise<void> {
  for (const [workers, maxConcurrent] of [[1, 10], [2, 10], [2, 50]] as const) {
    progress(`${workers} worker processes, ${maxConcurrent} tasks at once`);
    const drains = [];
    for (let round = 1; round <= rounds; round++) {
      drains.push(await drainByWorkers(url, { tasks, maxConcurrent, workers }));
    }
    const label = `${workers} worker${workers > 1 ? "s" : ""}, maxConcurrent ${maxConcurrent}`;
    add(`chain by ${label}`, median(drains.map((drain) => drain.perSecond)), "tasks/s");
    const cpu = median(drains.map((drain) => drain.cpuMsPer1000));
    add(`CPU per 1,000 no-op tasks, ${label}`, cpu, "ms", { atMost: 200 });
  }
  progress("idle latency");
  const latencies = await idleLatencies(url, 100);
  add("idle start to handler, p50", latencies[49]!, "ms", { atMost: 30 });
  add("idle start to handler, p99", latencies[98]!, "ms");
}

async function measureEdge(url: string): Promise<void> {
  progress("a worker that waits, for two minutes");
  add("CPU of a worker that waits, in 400 s", await idleCpu(url), "s", { atMost: 0.5 });
  progress("cold starts");
  const colds = await coldStarts(20);
  add("cold start to handler, p50", colds[9]!, "ms", { atMost: 1500 });
  add("cold start to handler, slowest of 20", colds[19]!, "ms");
  const respawns = Number(Deno.env.get("BENCH_RESPAWNS") ?? 100);
  progress(`${respawns} respawns`);
  const gaps = await respawnGaps(respawns);
  const p99 = gaps[Math.ceil(gaps.length * 0.99) - 1]!;
  add(`without a worker that polls, p99 of ${gaps.length} respawns`, p99, "ms", { atMost: 500 });
}

async function measureStatements(url: string): Promise<void> {
  for (const size of [1, 10, 100]) {
    const count = await countStatements(url, size);
    figures.push({
      name: `statements of settle_tasks, ${size} task${size > 1 ? "s" : ""}`,
      value: count.statements,
      unit: "statements",
      note: `and ${count.referentialChecks} referential checks`,
    });
  }
}

function add(name: string, value: number, unit: string, target?: Figure["target"]): void {
  figures.push({ name, value, unit, ...(target === undefined ? {} : { target }) });
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

function progress(text: string): void {
  console.error(`… ${text}`);
}
