import type postgres from "postgres";
import type { AnyFlow, FlowInput, FlowOutput } from "pgflow/dsl";
import { workerFixture } from "../worker/worker_fixture.ts";

/** A run of an example flow, on a database of its own. */
export interface FlowFixture<F extends AnyFlow> extends AsyncDisposable {
  sql: postgres.Sql;
  /** What the workers wrote, `level message`. */
  lines: string[];
  runId: string;
  /** Has a worker do whatever can be done now. */
  work(): Promise<void>;
  /** Lets the time pass that the run waits for. */
  passTime(): Promise<void>;
  /** Returns the run's status and output. */
  run(): Promise<{ status: string; output: FlowOutput<F> | null }>;
  /** Returns each step's status. */
  steps(): Promise<Record<string, string>>;
}

/** Starts a run and does what can be done at once. */
export async function flowFixture<F extends AnyFlow>(
  flow: F,
  input: FlowInput<F>,
): Promise<FlowFixture<F>> {
  const worker = await workerFixture();
  const { sql, lines } = worker;
  await worker.compile(flow);
  const runId = await worker.startRun(flow.slug, input);
  const it: FlowFixture<F> = {
    sql,
    lines,
    runId,
    work: () => worker.start(flow).done,
    async passTime() {
      await sql`
        update pgflow.step_tasks set due_at = clock_timestamp()
        where run_id = ${runId} and due_at is not null`;
    },
    async run() {
      const { status, output } = await worker.picture(runId);
      return { status, output: output as FlowOutput<F> | null };
    },
    steps: async () => (await worker.picture(runId)).steps,
    [Symbol.asyncDispose]: () => worker[Symbol.asyncDispose](),
  };
  await it.work();
  return it;
}
