import type postgres from "postgres";
import type { RunResult, StepResult, TaskResult } from "./interpreter.ts";
import { canonical, type Json } from "./json.ts";
import { isChild, taskKey } from "./places.ts";
import type { KnownRun, World } from "./world.ts";

interface StateRow {
  step_slug: string;
  status: string;
  skip_reason: string | null;
  error_message: string | null;
  output: Json | undefined;
}

interface TaskStateRow {
  step_slug: string;
  task_index: number;
  status: string;
  attempts: number;
  error_message: string | null;
  output: Json | undefined;
  failures: { attempt: number; error: string }[] | null;
}

interface RunStateRow {
  run_id: string;
  status: string;
  error_message: string | null;
  output: Json | undefined;
  steps: StateRow[] | null;
  tasks: TaskStateRow[] | null;
}

/**
 * Returns where runs that have ended differ from what the interpreter says of them.
 *
 * A completed run must be equal in everything. In one that failed or was cancelled, when its steps
 * stopped depends on who came first: what did end must be equal, what was cancelled may have gone
 * part of the way.
 */
export async function differences(
  sql: postgres.Sql,
  world: World,
  runs: KnownRun[],
): Promise<string[]> {
  const found: string[] = [];
  const rows = await sql<RunStateRow[]>`
    select
      r.run_id, r.status, r.error_message, r.output,
      (
        select json_agg(s)
        from (
          select
            s.step_slug, s.status, s.skip_reason, s.error_message,
            case when s.status = 'completed' then coalesce(
              s.output,
              (
                select t.output from pgflow.step_tasks t
                where t.run_id = s.run_id and t.step_slug = s.step_slug and t.task_index = 0
              )
            ) end as output
          from pgflow.step_states s
          where s.run_id = r.run_id
        ) s
      ) as steps,
      (
        select json_agg(t)
        from (
          select
            t.step_slug, t.task_index, t.status, t.attempts_count as attempts, t.error_message,
            t.output,
            (
              select json_agg(
                json_build_object('attempt', f.attempt, 'error', f.error_message) order by f.attempt
              )
              from pgflow.task_failures f
              where f.run_id = t.run_id
                and f.step_slug = t.step_slug
                and f.task_index = t.task_index
            ) as failures
          from pgflow.step_tasks t
          where t.run_id = r.run_id
          order by t.step_slug, t.task_index
        ) t
      ) as tasks
    from pgflow.runs r
    where r.run_id = any (${runs.map((run) => run.runId)}::uuid[])`;
  const rowsById = new Map(rows.map((row) => [row.run_id, row]));
  for (const run of runs) {
    const row = rowsById.get(run.runId);
    if (row === undefined) found.push(`${run.key}: is gone`);
    else compareRun(world, run, row, world.expected(run), found);
  }
  return found;
}

function compareRun(
  world: World,
  run: KnownRun,
  row: RunStateRow,
  expected: RunResult,
  found: string[],
): void {
  const say = (what: string, actual: unknown, wanted: unknown) =>
    found.push(`${run.key} (run ${run.runId}): ${what} is ${actual}, expected ${wanted}`);
  const error = withKeys(world, row.error_message);
  // A child run is also cancelled with its parent.
  const endedWithParent = row.status === "cancelled" && isChild(run) &&
    error?.startsWith("[cancelled by parent]");
  if (row.status !== expected.status && !endedWithParent) {
    say("status", row.status, expected.status);
  }
  if (row.status === "completed" && canonical(row.output) !== canonical(expected.output)) {
    say("output", canonical(row.output), canonical(expected.output));
  }
  const causes = [...expected.steps].flatMap(([slug, step]) =>
    step.status === "failed" ? step.errors.map((cause) => `Step "${slug}" failed: ${cause}`) : []
  );
  if (row.status === "failed" && !causes.includes(error!)) say("error", error, causes.join(" or "));

  for (const state of row.steps ?? []) {
    compareStep(world, state, expected.steps.get(state.step_slug)!, row.status, (what, ...rest) => {
      say(`step "${state.step_slug}" ${what}`, ...rest);
    });
  }
  for (const task of row.tasks ?? []) {
    const key = taskKey(run, task);
    const result = expected.steps.get(task.step_slug)!.tasks[task.task_index];
    if (result === undefined) say(`task ${key}`, task.status, "not to exist");
    else compareTask(world, run, task, result, (what, ...rest) => say(`${key} ${what}`, ...rest));
  }
}

function compareStep(
  world: World,
  row: StateRow,
  expected: StepResult,
  runStatus: string,
  say: (what: string, actual: unknown, wanted: unknown) => void,
): void {
  const mayBreakOff = runStatus !== "completed";
  if (row.status !== expected.status && !(mayBreakOff && row.status === "cancelled")) {
    say("status", row.status, expected.status);
    return;
  }
  if (row.status === "completed" && canonical(row.output ?? null) !== canonical(expected.output)) {
    say("output", canonical(row.output ?? null), canonical(expected.output));
  }
  if (row.status === "skipped" && row.skip_reason !== expected.reason) {
    say("skip_reason", row.skip_reason, expected.reason);
  }
  const error = withKeys(world, row.error_message);
  const mayHave = row.status === "cancelled" ? [] : expected.errors;
  if (error === null ? mayHave.length > 0 : !mayHave.includes(error)) {
    say("error", error, mayHave.join(" or ") || "nothing");
  }
}

function compareTask(
  world: World,
  run: KnownRun,
  row: TaskStateRow,
  expected: TaskResult,
  say: (what: string, actual: unknown, wanted: unknown) => void,
): void {
  const key = taskKey(run, row);
  const name = ({ attempt, error }: { attempt: number; error: string }) =>
    `#${attempt} ${withKeys(world, error)}`;
  const failures = (row.failures ?? []).slice(world.earlierFailures.get(key) ?? 0).map(name);
  const wanted = expected.failures.map(name);
  if (row.status === "cancelled") {
    if (wanted.slice(0, failures.length).join() !== failures.join()) {
      say("failures", failures, `to begin ${wanted}`);
    }
    return;
  }
  if (row.status !== expected.status) say("status", row.status, expected.status);
  if (row.status === "completed" && canonical(row.output ?? null) !== canonical(expected.output)) {
    say("output", canonical(row.output ?? null), canonical(expected.output));
  }
  if (failures.join() !== wanted.join()) say("failures", failures, wanted);
  const attempts = expected.attempts - (world.unclaimed.has(key) ? 1 : 0);
  if (row.attempts !== attempts) say("attempts_count", row.attempts, attempts);
  const error = withKeys(world, row.error_message);
  const last = row.status === "failed" ? expected.failures.at(-1)?.error ?? "none" : null;
  if (error !== last) say("error", error, last);
}

/** Returns a message with the child run named by its key, and without what that run says itself. */
function withKeys(world: World, message: string | null): string | null {
  return message?.replace(
    /child run ([0-9a-f-]{36}) (failed|cancelled): [^]*$/,
    (_, runId, status) => `child run ${world.runs.get(runId)?.key ?? runId} ${status}`,
  ) ?? null;
}
