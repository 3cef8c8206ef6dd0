import { runId } from "../sql/pictures.ts";
import { type ServedGateway, serveGateway } from "./served_gateway.ts";

/** The run, and its topic. */
export const run = runId(1);
export const topic = `pgflow:run:${run}`;

/** Two users: whose run it is, and another one. */
export const owner = "00000000-0000-4000-8000-00000000000a";
export const stranger = "00000000-0000-4000-8000-00000000000b";

/** Starts a gateway, and a watched run of the owner's. */
export async function serveRun(flow = "sequential"): Promise<ServedGateway> {
  const stack = await serveGateway();
  const { sql } = stack.database;
  await sql`select pgflow_tests.setup_flow(${flow})`;
  await sql`select pgflow.start_flow_with_states(${flow}, '[1, 2, 3]', ${run})`;
  await sql`update pgflow.runs set owner = ${owner} where run_id = ${run}`;
  return stack;
}

/** Signs a token of a user. */
export const user = (stack: ServedGateway, sub: string, more: Record<string, unknown> = {}) =>
  stack.token({ role: "authenticated", sub, ...more });

/** Completes a step of the run. */
export const complete = (stack: ServedGateway, step: string) =>
  stack.database.sql`select pgflow.complete_task(${run}, ${step}, 0, '{"ok": true}')`;
