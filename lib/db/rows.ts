/**
 * Rows in snake_case on one side, objects in camelCase on the other: the only place that knows both.
 *
 * @module
 */

/** A run as `pgflow.runs` has it. */
export interface RunRow {
  run_id: string;
  flow_slug: string;
  status: string;
  input: unknown;
  output: unknown;
  error_message: string | null;
  remaining_steps: number;
  started_at: Date | null;
  completed_at: Date | null;
  failed_at: Date | null;
}

/** A run. */
export interface Run {
  /** The run's id. */
  runId: string;
  /** The flow's slug. */
  flowSlug: string;
  /** One of `started`, `completed`, `failed`, `cancelled`. */
  status: string;
  /** What it was started with. */
  input: unknown;
  /** The outputs of the steps nothing depends on; null until it completed. */
  output: unknown;
  /** Why it failed. */
  errorMessage: string | null;
  /** How many steps have not ended. */
  remainingSteps: number;
  /** When it started. */
  startedAt: Date | null;
  /** When it completed. */
  completedAt: Date | null;
  /** When it failed. */
  failedAt: Date | null;
}

/** Reads a row of `pgflow.runs`. */
export function toRun(row: RunRow): Run {
  return {
    runId: row.run_id,
    flowSlug: row.flow_slug,
    status: row.status,
    input: row.input,
    output: row.output,
    errorMessage: row.error_message,
    remainingSteps: row.remaining_steps,
    startedAt: row.started_at,
    completedAt: row.completed_at,
    failedAt: row.failed_at,
  };
}

/** A claimed task as `pgflow.poll_for_tasks` returns it. */
export interface ClaimedTaskRow {
  flow_slug: string;
  run_id: string;
  step_slug: string;
  input: unknown;
  task_index: number;
  attempt: number;
}

/** Which task, by its place in a run. */
export interface TaskId {
  /** The run's id. */
  runId: string;
  /** The step's slug. */
  stepSlug: string;
  /** The element's index; 0 in a step that is not a map. */
  taskIndex: number;
}

/** One attempt at a task. */
export interface Attempt extends TaskId {
  /** Which attempt this is; only it may settle the task. */
  attempt: number;
}

/** A task that this worker is to perform. */
export interface ClaimedTask extends Attempt {
  /** The flow's slug. */
  flowSlug: string;
  /** The handler's payload. */
  input: unknown;
}

/** Reads a row of `pgflow.poll_for_tasks`. */
export function toClaimedTask(row: ClaimedTaskRow): ClaimedTask {
  return {
    flowSlug: row.flow_slug,
    runId: row.run_id,
    stepSlug: row.step_slug,
    taskIndex: row.task_index,
    attempt: row.attempt,
    input: row.input,
  };
}

/** A task as the functions that settle tasks return it. */
export interface SettledTaskRow {
  run_id: string;
  step_slug: string;
  task_index: number;
  status: string;
}

/** A task that a call changed. */
export interface SettledTask extends TaskId {
  /** What it is now: `completed`, `failed`, or `queued` again. */
  status: string;
}

/** Reads what {@linkcode SettledTaskRow} has. */
export function toSettledTask(row: SettledTaskRow): SettledTask {
  return {
    runId: row.run_id,
    stepSlug: row.step_slug,
    taskIndex: row.task_index,
    status: row.status,
  };
}

/** What became of one attempt: an output, a failure, or nothing because it is given back. */
export type TaskResult =
  & TaskId
  & { attempt: number }
  & (
    /** The output as JSON text, so that it is written once. */
    | { outputJson: string }
    | { errorMessage: string; permanent: boolean }
    | { release: true }
  );

/** Writes results as the argument of `pgflow.settle_tasks`. */
export function toResultsJson(results: readonly TaskResult[]): string {
  return `[${results.map(toResultJson).join(",")}]`;
}

function toResultJson(result: TaskResult): string {
  const task = JSON.stringify({
    ...toAttemptRow(result),
    ...("errorMessage" in result
      ? { error_message: result.errorMessage, permanent: result.permanent }
      : "release" in result
      ? { release: true }
      : {}),
  });
  return "outputJson" in result ? `${task.slice(0, -1)},"output":${result.outputJson}}` : task;
}

/** An attempt as `pgflow.closed_attempts` takes and returns it. */
export interface AttemptRow {
  run_id: string;
  step_slug: string;
  task_index: number;
  attempt: number;
}

/** Writes attempts as the argument of `pgflow.closed_attempts`. */
export function toAttemptsJson(attempts: readonly Attempt[]): string {
  return JSON.stringify(attempts.map(toAttemptRow));
}

/** Reads a row of `pgflow.closed_attempts`. */
export function toAttempt(row: AttemptRow): Attempt {
  return {
    runId: row.run_id,
    stepSlug: row.step_slug,
    taskIndex: row.task_index,
    attempt: row.attempt,
  };
}

function toAttemptRow({ runId, stepSlug, taskIndex, attempt }: Attempt): AttemptRow {
  return { run_id: runId, step_slug: stepSlug, task_index: taskIndex, attempt };
}

/** What `pgflow.ensure_flow_compiled` found. */
export interface CompileResult {
  /** `mismatch` says that the stored flow has another shape, and nothing was changed. */
  status: "compiled" | "verified" | "mismatch";
  /** Where the shapes differ, a sentence each. */
  differences: string[];
}

/** Reads the answer of `pgflow.ensure_flow_compiled`. */
export function toCompileResult(
  answer: { status: CompileResult["status"]; differences?: unknown[] | null },
): CompileResult {
  const differences = (answer.differences ?? []).map((difference) =>
    typeof difference === "string" ? difference : JSON.stringify(difference)
  );
  return { status: answer.status, differences };
}

/** A row of `pgflow.step_durations`. */
export interface StepDurationRow {
  flow_slug: string;
  step_slug: string;
  tasks: number;
  longest_seconds: number;
}

/** How long a step's tasks took lately. */
export interface StepDuration {
  /** The flow's slug. */
  flowSlug: string;
  /** The step's slug. */
  stepSlug: string;
  /** How many tasks that is drawn from. */
  tasks: number;
  /** Seconds that the longest took. */
  longestSeconds: number;
}

/** Reads a row of `pgflow.step_durations`. */
export function toStepDuration(row: StepDurationRow): StepDuration {
  return {
    flowSlug: row.flow_slug,
    stepSlug: row.step_slug,
    tasks: row.tasks,
    longestSeconds: row.longest_seconds,
  };
}
