import type postgres from "postgres";
import { brokenRules } from "../property/broken_rules.ts";
import type { Execution } from "./executions.ts";

/** A run that was started, and what it must come to; null for a failure. */
export interface StartedRun {
  runId: string;
  flowSlug: string;
  expected: unknown;
}

/** What became of everything. */
export interface Verdict {
  runs: number;
  /** Tasks that a handler performed. */
  tasks: number;
  /** How often handlers ran more than once for the same task. */
  reExecutions: number;
  /** What should be there and is not. */
  lost: string[];
  /** What is there twice, or from an attempt that should not count. */
  doubled: string[];
  /** Rows and counters that contradict each other. */
  broken: string[];
}

/** A task that a handler performs, or several one after another. */
interface TaskRow {
  run_id: string;
  step_slug: string;
  task_index: number;
  status: string;
  performed_by: string;
  attempts: number;
  counted: number;
  most: number;
  failures: number;
  children: number;
  output: unknown;
}

interface RunRow {
  run_id: string;
  status: string;
  output: Record<string, { attempt?: number }> | null;
  error_message: string | null;
  hooks: number;
  hooks_done: number;
}

/** Judges all runs of a database by what stands in it and by what handlers wrote down. */
export async function judge(
  sql: postgres.Sql,
  started: readonly StartedRun[],
  executions: readonly Execution[],
): Promise<Verdict> {
  const tasks = await readTasks(sql);
  const runs = new Map((await readRuns(sql)).map((run) => [run.run_id, run]));
  const starts = countBy(executions.filter(({ phase }) => phase === "start"), taskOf);
  const verdict: Verdict = {
    runs: started.length,
    tasks: starts.size,
    reExecutions: sum(starts.values()) - starts.size,
    lost: [],
    doubled: [],
    broken: await brokenRules(sql),
  };
  const ends = new Set(executions.filter(({ phase }) => phase === "end").map(attemptOf));
  for (const [attempt, times] of countBy(executions, (one) => `${attemptOf(one)} ${one.phase}`)) {
    if (times > 1) verdict.doubled.push(`attempt ${attempt} ran ${times} times`);
  }
  for (const task of tasks) judgeTask(task, starts, ends, verdict);
  const byRun = Map.groupBy(tasks, (task) => task.run_id);
  for (const run of started) {
    judgeRun(run, runs.get(run.runId), byRun.get(run.runId) ?? [], verdict);
  }
  return verdict;
}

function judgeTask(
  task: TaskRow,
  starts: ReadonlyMap<string, number>,
  ends: ReadonlySet<string>,
  { lost, doubled }: Verdict,
): void {
  const name = `${task.run_id}:${task.step_slug}:${task.task_index}`;
  const ran = starts.get(name) ?? 0;
  if (ran > task.attempts) doubled.push(`task ${name} ran ${ran} times, ${task.attempts} attempts`);
  if (task.counted > task.most) doubled.push(`task ${name} had ${task.counted} of ${task.most}`);
  if (task.children > 1) doubled.push(`task ${name} has ${task.children} completed child runs`);
  if (task.status !== "completed" || task.performed_by === "approval") return;
  // A task that completed did so by its last attempt, whose handler must have come to its end.
  if (!ends.has(`${name}#${task.attempts}`)) lost.push(`task ${name} completed without a handler`);
  if (task.performed_by === "subflow" && task.children !== 1) {
    lost.push(`task ${name} has no child`);
  }
  const { attempt } = (task.output ?? {}) as { attempt?: number };
  if (attempt !== undefined && attempt !== task.attempts) {
    doubled.push(`task ${name} has the output of attempt ${attempt}, not ${task.attempts}`);
  }
}

function judgeRun(
  { runId, flowSlug, expected }: StartedRun,
  run: RunRow | undefined,
  tasks: readonly TaskRow[],
  { lost, doubled }: Verdict,
): void {
  const name = `run ${runId} of ${flowSlug}`;
  if (run === undefined) return void lost.push(`${name} is not there`);
  const output = run.output && withoutAttempts(run.output);
  if (expected === null) {
    if (run.status !== "failed" || !run.error_message!.includes("meant to fail")) {
      lost.push(`${name} is ${run.status}: ${run.error_message}`);
    } else if (run.hooks_done === 0) lost.push(`${name} has no hook that completed`);
    if (run.hooks > 1) doubled.push(`${name} has ${run.hooks} hooks`);
  } else if (run.status === "completed") {
    if (!isSame(output, expected)) {
      lost.push(`${name} has ${JSON.stringify(output)}, not ${JSON.stringify(expected)}`);
    }
  } else if (!mayFail(run, tasks)) lost.push(`${name} is ${run.status}: ${run.error_message}`);
}

/** A run may fail when workers were lost as often as its task has attempts. */
function mayFail(run: RunRow, tasks: readonly TaskRow[]): boolean {
  return run.status === "failed" &&
    tasks.some((task) =>
      task.status === "failed" && task.counted === task.most && task.failures === task.counted
    );
}

async function readTasks(sql: postgres.Sql): Promise<TaskRow[]> {
  return await sql<TaskRow[]>`
    select
      t.run_id, t.step_slug, t.task_index, t.status, s.performed_by, t.output,
      t.attempts_count as attempts,
      t.attempts_count - t.attempts_forgiven as counted,
      coalesce(s.opt_max_attempts, f.opt_max_attempts) as most,
      (
        select count(*)::int from pgflow.task_failures e
        where (e.run_id, e.step_slug, e.task_index) = (t.run_id, t.step_slug, t.task_index)
      ) as failures,
      (
        select count(*)::int from pgflow.runs c
        where c.parent_run_id = t.run_id and c.parent_step_slug = t.step_slug
          and c.parent_task_index = t.task_index and c.status = 'completed'
      ) as children
    from pgflow.step_tasks t
    join pgflow.steps s using (flow_slug, step_slug)
    join pgflow.flows f using (flow_slug)`;
}

async function readRuns(sql: postgres.Sql): Promise<RunRow[]> {
  return await sql<RunRow[]>`
    select
      r.run_id, r.status, r.output, r.error_message,
      count(h.run_id)::int as hooks,
      count(h.run_id) filter (where h.status = 'completed')::int as hooks_done
    from pgflow.runs r
    left join pgflow.runs h on h.input ->> 'run_id' = r.run_id::text
    where r.parent_run_id is null
    group by r.run_id`;
}

function withoutAttempts(output: Record<string, { attempt?: number }>): unknown {
  return Object.fromEntries(
    Object.entries(output).map(([step, { attempt: _, ...rest }]) => [step, rest]),
  );
}

/** Both are JSON; Postgres orders the names of properties in its own way. */
function isSame(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}

function canonical(value: unknown): string {
  return JSON.stringify(
    value,
    (_, inner) =>
      inner !== null && typeof inner === "object" && !Array.isArray(inner)
        ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => a < b ? -1 : 1))
        : inner,
  );
}

function taskOf({ runId, step, index }: Execution): string {
  return `${runId}:${step}:${index}`;
}

function attemptOf(execution: Execution): string {
  return `${taskOf(execution)}#${execution.attempt}`;
}

function countBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(keyOf(item), (counts.get(keyOf(item)) ?? 0) + 1);
  return counts;
}

function sum(numbers: Iterable<number>): number {
  return [...numbers].reduce((total, number) => total + number, 0);
}
