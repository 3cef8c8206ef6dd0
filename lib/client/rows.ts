/**
 * What the database says about runs, and the only place that puts it into the words of TypeScript.
 *
 * @module
 */
import type { Approval } from "./approval.ts";
import type {
  RunState,
  RunStatus,
  RunSummary,
  StepState,
  StepStatus,
  WaitingAnswer,
} from "./run_state.ts";

/** What `get_run` returns. */
export interface RunSnapshot {
  run: RunRow;
  steps: StepRow[];
}

/** A run in a list. */
export interface ListedRunRow extends EndTimes {
  run_id: string;
  flow_slug: string;
  status: RunStatus;
  error_message: string | null;
  started_at: string;
}

/** A run. */
export interface RunRow extends ListedRunRow {
  input: unknown;
  output: unknown;
  broadcast?: boolean;
}

/** A row of step_states, with what is fixed about the step. */
export interface StepRow extends EndTimes {
  step_slug: string;
  status: StepStatus;
  performed_by?: StepState["performedBy"];
  deps_slugs?: string[];
  initial_tasks: number | null;
  remaining_tasks: number | null;
  started_at: string | null;
  output: unknown;
  error_message: string | null;
  waiting?: { task_index: number; input: unknown; mine: boolean; until: string | null }[];
}

/** An approval in a list. */
export interface ApprovalRow {
  run_id: string;
  flow_slug: string;
  step_slug: string;
  task_index: number;
  waiting_since: string;
  until: string | null;
  input: unknown;
}

/** The times at which something may have ended. */
export interface EndTimes {
  completed_at: string | null;
  failed_at: string | null;
  cancelled_at: string | null;
  skipped_at?: string | null;
}

/** An event as the database sends it. */
export interface Message extends Partial<EndTimes> {
  event_type: string;
  run_id: string;
  step_slug?: string;
  status: string;
  started_at?: string;
  output?: unknown;
  output_omitted?: boolean;
  tasks_done?: number;
  tasks_total?: number;
}

/** Returns a run as it is listed. */
export function toSummary(row: ListedRunRow): RunSummary {
  const endedAt = endOf(row);
  return {
    id: row.run_id,
    flow: row.flow_slug,
    status: row.status,
    startedAt: row.started_at,
    ...(row.error_message === null ? {} : { error: row.error_message }),
    ...(endedAt === undefined ? {} : { endedAt }),
  };
}

/** Returns a run as users see it. */
export function toRun(row: RunRow): RunState {
  const output = row.status === "completed" ? { output: row.output } : {};
  return { ...toSummary(row), input: row.input, ...output };
}

/** Returns a step as users see it. */
export function toStep(row: StepRow): StepState {
  const endedAt = endOf(row);
  const total = row.initial_tasks;
  return {
    slug: row.step_slug,
    status: row.status,
    performedBy: row.performed_by ?? "handler",
    dependencies: row.deps_slugs ?? [],
    ...(row.status === "completed" ? { output: row.output } : {}),
    ...(row.error_message === null ? {} : { error: row.error_message }),
    ...(row.started_at !== null && total !== null && total > 1
      ? { done: total - (row.remaining_tasks ?? total), total }
      : {}),
    ...(row.waiting === undefined || row.waiting.length === 0
      ? {}
      : { waiting: row.waiting.map(toWaiting) }),
    ...(row.started_at === null ? {} : { startedAt: row.started_at }),
    ...(endedAt === undefined ? {} : { endedAt }),
  };
}

/** Returns an approval as it is listed. */
export function toApproval(row: ApprovalRow): Approval {
  return {
    runId: row.run_id,
    flow: row.flow_slug,
    step: row.step_slug,
    taskIndex: row.task_index,
    input: row.input,
    waitingSince: row.waiting_since,
    ...(row.until === null ? {} : { until: row.until }),
  };
}

/** Returns when something ended, if it has. */
export function endOf(times: Partial<EndTimes>): string | undefined {
  return times.completed_at ?? times.failed_at ?? times.cancelled_at ?? times.skipped_at ??
    undefined;
}

function toWaiting(row: NonNullable<StepRow["waiting"]>[number]): WaitingAnswer {
  const { task_index: taskIndex, input, mine, until } = row;
  return { taskIndex, input, mine, ...(until === null ? {} : { until }) };
}
