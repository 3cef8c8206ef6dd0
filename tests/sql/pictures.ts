import type { TestDatabase } from "../database.ts";

/** The run ids of tests, told apart by their last digit. */
export const runId = (n: number) => `10000000-0000-4000-8000-${String(n).padStart(12, "0")}`;

/** The status of each step of a run. */
export async function steps(database: TestDatabase, run: string): Promise<Record<string, string>> {
  const rows = await database.sql`
    select step_slug, status from pgflow.step_states where run_id = ${run} order by step_slug
  `;
  return Object.fromEntries(rows.map((row) => [row.step_slug, row.status]));
}

/** The status of each task of a run, by step or step[index]. */
export async function tasks(database: TestDatabase, run: string): Promise<Record<string, string>> {
  const rows = await database.sql`
    select step_slug || case when task_index > 0 then '[' || task_index || ']' else '' end as task,
      status
    from pgflow.step_tasks where run_id = ${run} order by step_slug, task_index
  `;
  return Object.fromEntries(rows.map((row) => [row.task, row.status]));
}

/** The steps whose messages are in a flow's queue. */
export async function queued(database: TestDatabase, flow: string): Promise<string[]> {
  const rows = await database.sql`select step_slug from pgflow_tests.queued_steps(${flow})`;
  return rows.map((row) => row.step_slug);
}

/** What must be empty at all times. */
export async function brokenInvariants(database: TestDatabase): Promise<unknown[]> {
  return [...await database.sql`select * from pgflow.broken_invariants`];
}
