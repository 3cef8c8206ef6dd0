import { TextLineStream } from "./text_line_stream.ts";
import { Flow } from "pgflow/dsl";
import { runWorker } from "pgflow/worker";
import { flows, openConnection, startRuns } from "./drain.ts";

/** What real workers did with a set of runs. */
export interface WorkerDrain {
  /** Tasks per second, from the start of the runs to the end of the last. */
  perSecond: number;
  /** CPU milliseconds of all workers for each 1,000 tasks. */
  cpuMsPer1000: number;
}

/** Lets real workers, each a process, work off runs of the chain. */
export async function drainByWorkers(
  url: string,
  options: { tasks: number; maxConcurrent: number; workers: number },
): Promise<WorkerDrain> {
  const { slug, shape, tasksPerRun } = flows.chain;
  const runs = Math.round(options.tasks / tasksPerRun);
  const sql = openConnection(url);
  await sql`select pgflow.ensure_flow_compiled(${slug}, ${JSON.stringify(shape)}::text::jsonb)`;
  const workers = await Promise.all(
    Array.from({ length: options.workers }, () => startWorker(url, options.maxConcurrent)),
  );
  const started = performance.now();
  await startRuns(sql, slug, runs);
  for (let open = runs; open > 0;) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    const [row] = await sql<{ open: number }[]>`
      select count(*)::int as open from pgflow.runs where flow_slug = ${slug} and status = 'started'`;
    open = row!.open;
  }
  const seconds = (performance.now() - started) / 1000;
  const cpuMs = await Promise.all(workers.map((worker) => worker.stop()));
  await sql`delete from pgflow.runs where flow_slug = ${slug}`;
  await sql.end();
  const tasks = runs * tasksPerRun;
  return {
    perSecond: tasks / seconds,
    cpuMsPer1000: cpuMs.reduce((sum, ms) => sum + ms, 0) / tasks * 1000,
  };
}

async function startWorker(url: string, maxConcurrent: number) {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--quiet",
      new URL("./worker_process.ts", import.meta.url).href,
      url,
      String(maxConcurrent),
    ],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream())
    .getReader();
  const { value } = await lines.read();
  if (value !== "ready") throw new Error(`the worker said ${JSON.stringify(value)}`);
  return {
    async stop(): Promise<number> {
      await child.stdin.close();
      const { value } = await lines.read();
      await child.status;
      return JSON.parse(value!).cpuMs;
    },
  };
}

/** Measures the CPU seconds of a worker that only waits, in 400 s: as long as any isolate lives. */
export async function idleCpu(url: string): Promise<number> {
  const { slug, shape } = flows.chain;
  const sql = openConnection(url);
  await sql`select pgflow.ensure_flow_compiled(${slug}, ${JSON.stringify(shape)}::text::jsonb)`;
  await sql.end();
  // What V8 tidies up after the start happens once, so that only the second minute is multiplied.
  const [minute, two] = await Promise.all([60, 120].map(async (seconds) => {
    const worker = await startWorker(url, 10);
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    return await worker.stop() / 1000;
  }));
  return minute! + (two! - minute!) / 60 * 340;
}

/** Measures the time from start_flow to the handler of an idle worker, in milliseconds, sorted. */
export async function idleLatencies(url: string, samples: number): Promise<number[]> {
  const handled = new Map<number, () => void>();
  const flow = new Flow<{ i: number }>({ slug: "bench_single" })
    .step("a", ({ run }) => {
      handled.get(run.i)?.();
      return { ok: true };
    });
  const quiet = () => {};
  const worker = runWorker(flow, {
    databaseUrl: url,
    logger: { debug: quiet, info: quiet, warn: console.error, error: console.error },
  });
  await worker.started;
  const sql = openConnection(url);
  const latencies: number[] = [];
  for (let i = 0; i < samples; i++) {
    // The worker must be waiting again, at a moment of its interval that is not always the same.
    await new Promise((resolve) => setTimeout(resolve, 60 + (i * 7) % 40));
    const done = Promise.withResolvers<void>();
    handled.set(i, done.resolve);
    const started = performance.now();
    await sql`select from pgflow.start_flow('bench_single', ${JSON.stringify({ i })}::text::jsonb)`;
    await done.promise;
    latencies.push(performance.now() - started);
  }
  await worker.stop();
  await sql`delete from pgflow.runs where flow_slug = 'bench_single'`;
  await sql.end();
  return latencies.sort((a, b) => a - b);
}

/** Keeps connections waiting for tasks of flows that have none, as idle workers do. */
export async function idleWorkers(url: string, count: number): Promise<AsyncDisposable> {
  const connections = await Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const sql = openConnection(url);
      const slug = `bench_idle_${i}`;
      await sql`select pgflow.ensure_flow_compiled(${slug}, '{"steps":[{"step_slug":"a"}]}')`;
      return { sql, slug };
    }),
  );
  let over = false;
  const waits = connections.map(async ({ sql, slug }) => {
    // Five seconds a call and 35 ms between looks are the worker's defaults.
    while (!over) await sql`call pgflow.wait_for_tasks(${`{${slug}}`}::text::text[], 5, 35)`;
    await sql.end();
  });
  return {
    async [Symbol.asyncDispose]() {
      over = true;
      await Promise.all(waits);
    },
  };
}
