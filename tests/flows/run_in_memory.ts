import { type AnyFlow, assertJson, type HandlerContext, type Sql } from "pgflow/dsl";

/** What a handler may be given instead of a worker's connection. */
export interface RunOptions {
  /** Stands for `ctx.sql`. */
  sql?: Sql;
}

/** Runs a flow's handlers one after another, without a database, and returns the run's output. */
export async function runInMemory(
  flow: AnyFlow,
  input: unknown,
  { sql = noSql }: RunOptions = {},
): Promise<Record<string, unknown>> {
  const outputs: Record<string, unknown> = { run: input };
  for (const step of flow.steps) {
    const payload = Object.fromEntries(
      ["run", ...step.dependencies].map((name) => [name, outputs[name]]),
    );
    const output = await step.handler(payload, contextOf(flow, step.slug, input, sql));
    assertJson(output, `return output of step "${step.slug}"`);
    outputs[step.slug] = output;
  }
  const dependencies = new Set(flow.steps.flatMap((step) => step.dependencies));
  const leaves = flow.steps.filter(({ slug }) => !dependencies.has(slug));
  return Object.fromEntries(leaves.map(({ slug }) => [slug, outputs[slug]]));
}

function contextOf(flow: AnyFlow, step: string, input: unknown, sql: Sql): HandlerContext {
  const runId = "00000000-0000-4000-8000-000000000000";
  return {
    runId,
    flow: flow.slug,
    step,
    taskIndex: 0,
    attempt: 1,
    taskKey: `${runId}:${step}:0`,
    deadline: new Date(Date.now() + 60_000),
    signal: new AbortController().signal,
    log: { debug() {}, info() {}, warn() {}, error() {} },
    env: {},
    sql,
    run: () => Promise.resolve(input),
  };
}

const noSql: Sql = Object.assign(
  () => Promise.reject(new Error("This flow needs a database")),
  { json: (value: unknown) => value },
);
