import type postgres from "postgres";
import type { Logger } from "../../lib/dsl/mod.ts";
import type { WorkerOptions } from "../../lib/worker/mod.ts";
import { runWorker } from "../../lib/worker/mod.ts";
import { testDatabase } from "../database.ts";

type Flows = Parameters<typeof runWorker>[0];

/** A migrated database and lines of log, for a test of workers. */
export interface WorkerFixture extends AsyncDisposable {
  url: string;
  sql: postgres.Sql;
  /** What the workers wrote, `level message`. */
  lines: string[];
  /** Starts a worker that ends when there is no more work; nothing it does depends on time. */
  start(flows: Flows, options?: WorkerOptions): ReturnType<typeof runWorker>;
  /** Starts a run and returns its id; its flow is stored before, by `compile`. */
  startRun(flowSlug: string, input: unknown): Promise<string>;
  /** Stores a flow, without leaving a worker behind. */
  compile(flows: Flows): Promise<void>;
  /** Returns how a run stands. */
  picture(runId: string): Promise<RunPicture>;
}

/** How a run stands. */
export interface RunPicture {
  status: string;
  output: unknown;
  /** Each step's status. */
  steps: Record<string, string>;
  /** Each task's attempts, and the message of the last that failed. */
  tasks: Record<string, [attempts: number, error: string | null]>;
}

/** Creates a fixture with a database of its own, which is never behind a pooler if `direct`. */
export async function workerFixture({ direct = false } = {}): Promise<WorkerFixture> {
  const database = await testDatabase({ direct });
  const { url, sql } = database;
  const lines: string[] = [];
  const it: WorkerFixture = {
    url,
    sql,
    lines,
    start: (flows, options = {}) =>
      runWorker(flows, { databaseUrl: url, idleSeconds: 0, logger: logTo(lines), ...options }),
    async compile(flows) {
      await it.start(flows).done;
      lines.length = 0;
    },
    async startRun(flowSlug, input) {
      const [run] = await sql<{ run_id: string }[]>`
        select run_id from pgflow.start_flow(
          flow_slug => ${flowSlug}, input => ${JSON.stringify(input)}::text::jsonb
        )`;
      return run!.run_id;
    },
    picture: (runId) => pictureOf(sql, runId),
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
  return it;
}

function logTo(lines: string[]): Logger {
  const at = (level: string) => (message: string) => {
    lines.push(`${level} ${message}`);
  };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

async function pictureOf(sql: postgres.Sql, runId: string): Promise<RunPicture> {
  const [run] = await sql<{ status: string; output: unknown }[]>`
    select status, output from pgflow.runs where run_id = ${runId}`;
  const steps = await sql<{ step_slug: string; status: string }[]>`
    select step_slug, status from pgflow.step_states where run_id = ${runId} order by step_slug`;
  const tasks = await sql<{ name: string; attempts: number; error: string | null }[]>`
    select
      step_slug || '[' || task_index || ']' as name,
      attempts_count as attempts,
      error_message as error
    from pgflow.step_tasks
    where run_id = ${runId}
    order by step_slug, task_index`;
  return {
    status: run!.status,
    output: run!.output,
    steps: Object.fromEntries(steps.map((step) => [step.step_slug, step.status])),
    tasks: Object.fromEntries(tasks.map((task) => [task.name, [task.attempts, task.error]])),
  };
}
