import type { Message, RunRow, RunSnapshot, StepRow } from "./rows.ts";
import { endOf, toRun, toStep } from "./rows.ts";
import type { RunEvent } from "./run_event.ts";
import type { RunState, StepState } from "./run_state.ts";
import { newStepEvents } from "./step_events.ts";

/**
 * What one watcher knows of a run, and the events that led there, in an order that is possible.
 *
 * It is told by two sources. Snapshots are read one after the other, so each is newer than the one
 * before. Messages may be lost, late, doubled or in disorder; one that a step of the chart explains
 * is taken as it is, and any other is only a reason to read. What a message says about a step that
 * started, was completed or skipped stays true whenever it arrives; that a run ended or a step
 * failed does not, since `retry_run` takes it back, so that is believed to snapshots alone.
 */
export class RunRecord {
  /** Everything that happened, in order; grows only. */
  readonly events: RunEvent[] = [];

  /** Whether messages are sent about the run at all. */
  readonly isBroadcast: boolean;

  #run: RunState;
  #steps: ReadonlyMap<string, StepState> | undefined;

  /** Creates a record of a run of which only the row is known. */
  constructor(row: RunRow) {
    this.#run = { ...toRun(row), status: "started" };
    this.isBroadcast = row.broadcast ?? true;
    this.events.push({ type: "run:started", at: row.started_at });
  }

  /** The run. */
  get run(): RunState {
    return this.#run;
  }

  /** Its steps by their slugs, in the order of definition; undefined until a snapshot was read. */
  get steps(): ReadonlyMap<string, StepState> | undefined {
    return this.#steps;
  }

  /**
   * Takes a snapshot, newer than all that were taken before, and returns what came of it: nothing,
   * something new, or that the run must be read once more.
   */
  takeSnapshot({ run, steps }: RunSnapshot): "nothing" | "news" | "read" {
    // Messages came meanwhile that tell of a retry: what the snapshot tells is too old to be shown.
    if (steps.some((row) => this.#isKnownToStay(row))) return "read";
    const before = this.events.length;
    const isFirst = this.#steps === undefined;
    const wasRetried = this.#isRetried(run);
    if (wasRetried) this.events.push({ type: "run:started", at: run.started_at });
    const known = new Map(
      Array.from(this.#steps ?? [], ([slug, step]) => // All that a retry does not keep begins again.
      [slug, wasRetried && isTakenBack(step) ? undefined : step]),
    );
    const next = new Map<string, StepState>();
    for (const row of steps) next.set(row.step_slug, furthest(known.get(row.step_slug), row));
    this.events.push(...newStepEvents(known, next));
    this.#steps = next;
    if (run.status !== "started" && (wasRetried || this.#run.status === "started")) {
      this.events.push(endEvent(run));
    }
    this.#run = toRun(run);
    return isFirst || this.events.length > before ? "news" : "nothing";
  }

  /** Takes a message; returns what came of it: nothing, something new, or that the run must be read. */
  takeMessage(message: Message): "nothing" | "news" | "read" {
    if (message.run_id !== this.#run.id) return "nothing";
    if (this.#steps === undefined) return "read";
    if (message.step_slug === undefined) {
      return isKnown(this.#run, message) ? "nothing" : "read";
    }
    const step = this.#steps.get(message.step_slug);
    if (step === undefined) return "read";
    const taken = this.#takeStep(step, message);
    if (typeof taken === "string") return taken;
    const [state, event] = taken;
    this.#steps = new Map(this.#steps).set(state.slug, state);
    this.events.push(event);
    return "news";
  }

  #takeStep(step: StepState, message: Message): "nothing" | "read" | [StepState, RunEvent] {
    const isOpen = step.status === "created" || step.status === "started";
    if (!isOpen) {
      // Completed and skipped steps stay so; the others may have been taken back.
      return isTakenBack(step) && !isKnown(step, message) ? "read" : "nothing";
    }
    const place = { step: step.slug };
    switch (message.event_type) {
      case "step:started": {
        if (step.status === "started") return "nothing";
        // What an approval asks for is not in the message.
        if (step.performedBy === "approval" || !this.#isReached(step)) return "read";
        if (message.started_at === undefined) return "read";
        const { started_at: at, tasks_total: total } = message;
        const tasks = total === undefined ? {} : { done: message.tasks_done ?? 0, total };
        const state: StepState = { ...step, ...tasks, status: "started", startedAt: at };
        return [state, { type: "step:started", ...place, at }];
      }
      case "step:progress": {
        const { tasks_done: done = 0, tasks_total: total = 0, started_at } = message;
        if (step.status === "created") return "read";
        if (done <= (step.done ?? 0)) return "nothing";
        const at = started_at ?? step.startedAt ?? "";
        return [{ ...step, done, total }, { type: "step:progress", ...place, at, done, total }];
      }
      case "step:completed": {
        const { completed_at: at, output } = message;
        if (step.status === "created" || at == null || output === undefined) return "read";
        const state: StepState = {
          ...step,
          ...allDone(step),
          status: "completed",
          output,
          endedAt: at,
        };
        return [state, { type: "step:completed", ...place, at, output }];
      }
      case "step:skipped": {
        const { skipped_at: at } = message;
        if (at == null || !this.#isReached(step, "skipped")) return "read";
        return [{ ...step, status: "skipped", endedAt: at }, {
          type: "step:skipped",
          ...place,
          at,
        }];
      }
      default:
        return "read";
    }
  }

  /** Whether all that a step waits for has been seen to end, or to be skipped, which may cascade. */
  #isReached({ dependencies }: StepState, how?: "skipped"): boolean {
    const statuses = dependencies.map((slug) => this.#steps?.get(slug)?.status);
    if (how === "skipped" && statuses.includes("skipped")) return true;
    return statuses.every((status) => status === "completed" || status === "skipped");
  }

  #isKnownToStay({ step_slug, status }: StepRow): boolean {
    const known = this.#steps?.get(step_slug)?.status;
    return (known === "completed" || known === "skipped") &&
      (status === "failed" || status === "cancelled");
  }

  #isRetried(run: RunRow): boolean {
    if (this.#run.status !== "failed" && this.#run.status !== "cancelled") return false;
    return run.status !== this.#run.status || endOf(run) !== this.#run.endedAt;
  }
}

/** Returns the state that is further along; what is known may be newer than a snapshot. */
function furthest(known: StepState | undefined, row: StepRow): StepState {
  const read = toStep(row);
  if (known === undefined || rankOf(known) < rankOf(read)) return read;
  if (rankOf(known) > rankOf(read)) return known;
  return known.status === "started" && (known.done ?? 0) > (read.done ?? 0) ? known : read;
}

function rankOf({ status }: StepState): number {
  return status === "created" ? 0 : status === "started" ? 1 : 2;
}

function isKnown({ status, endedAt }: RunState | StepState, message: Message): boolean {
  return message.status === status && endOf(message) === endedAt;
}

function isTakenBack({ status }: StepState): boolean {
  return status === "failed" || status === "cancelled";
}

function allDone({ total }: StepState): { done?: number } {
  return total === undefined ? {} : { done: total };
}

function endEvent(row: RunRow): RunEvent {
  const at = endOf(row) ?? "";
  if (row.status === "completed") return { type: "run:completed", at, output: row.output as never };
  const type = row.status === "failed" ? "run:failed" : "run:cancelled";
  return { type, at, ...(row.error_message === null ? {} : { error: row.error_message }) };
}
