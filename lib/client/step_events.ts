import type { RunEvent } from "./run_event.ts";
import type { StepState } from "./run_state.ts";

/** An event, and where it belongs among others. */
interface Placed {
  event: RunEvent;
  time: number;
  index: number;
}

/**
 * Returns what happened to a run's steps between two looks at them, in an order in which it can have
 * happened: no step starts before those it waits for have ended.
 *
 * Times alone do not tell: two transactions that end the dependencies of a step one after the other
 * may have begun in the other order, and a time is that of the beginning.
 *
 * @param before The steps by their slugs; one that is undefined begins again.
 * @param after The same steps, in the order of definition.
 */
export function newStepEvents(
  before: ReadonlyMap<string, StepState | undefined>,
  after: ReadonlyMap<string, StepState>,
): RunEvent[] {
  const endTimes = new Map<string, number>();
  const placed: Placed[] = [];
  let index = 0;
  for (const step of after.values()) {
    const known = before.get(step.slug);
    const reached = Math.max(0, ...step.dependencies.map((slug) => endTimes.get(slug) ?? 0));
    const started = Math.max(reached, timeOf(step.startedAt));
    const ended = Math.max(started, timeOf(step.endedAt));
    if (step.endedAt !== undefined) endTimes.set(step.slug, ended);
    const place = (event: RunEvent, time: number) => placed.push({ event, time, index: index++ });
    const wasSeen = known !== undefined && known.status !== "created";
    if (step.startedAt !== undefined && !wasSeen) {
      place({ type: "step:started", step: step.slug, at: step.startedAt }, started);
    }
    const event = laterEvent(known, step);
    if (event !== undefined) place(event, step.endedAt === undefined ? started : ended);
  }
  // The index is an order in which dependencies come first.
  placed.sort((a, b) => a.time - b.time || a.index - b.index);
  return placed.map(({ event }) => event);
}

/** What happened to a step after its start. */
function laterEvent(known: StepState | undefined, step: StepState): RunEvent | undefined {
  const { slug, status, startedAt = "", endedAt = "", done = 0, total = 0, error } = step;
  if (status === "started") {
    if (done <= (known?.done ?? 0)) return undefined;
    return { type: "step:progress", step: slug, at: startedAt, done, total };
  }
  if (known?.status === status) return undefined;
  switch (status) {
    case "completed":
      return { type: "step:completed", step: slug, at: endedAt, output: step.output };
    case "failed":
      return {
        type: "step:failed",
        step: slug,
        at: endedAt,
        ...(error === undefined ? {} : { error }),
      };
    case "skipped":
      return { type: "step:skipped", step: slug, at: endedAt };
    default:
      return undefined;
  }
}

function timeOf(date: string | undefined): number {
  return date === undefined ? 0 : Date.parse(date);
}
