import type { StepDuration } from "../db/mod.ts";
import type { AnyFlow } from "../dsl/mod.ts";

/** Fewer tasks than this say little about the next. */
const ENOUGH_TASKS = 5;

/** How long tasks have taken, to tell how long the next ones may take. */
export class Durations {
  readonly #steps = new Map<string, { tasks: number; longestSeconds: number }>();

  /** Adds what the database knows. */
  learn(durations: readonly StepDuration[]): void {
    for (const { flowSlug, stepSlug, tasks, longestSeconds } of durations) {
      this.#add(`${flowSlug}/${stepSlug}`, tasks, longestSeconds);
    }
  }

  /** Adds a task that has just completed. */
  note(flowSlug: string, stepSlug: string, seconds: number): void {
    this.#add(`${flowSlug}/${stepSlug}`, 1, seconds);
  }

  /**
   * Returns the seconds within which a task of the flow, whichever step it is of, should be done:
   * its timeout, or twice what the longest of the step took, if enough were seen.
   */
  expected(flow: AnyFlow): number {
    let longest = 0;
    for (const { slug, performedBy, options } of flow.steps) {
      if (performedBy === "approval") continue;
      const timeout = options.timeout ?? flow.options.timeout ?? 60;
      const known = this.#steps.get(`${flow.slug}/${slug}`);
      const seconds = known !== undefined && known.tasks >= ENOUGH_TASKS
        ? Math.min(timeout, known.longestSeconds * 2 + 1)
        : timeout;
      longest = Math.max(longest, seconds);
    }
    return longest;
  }

  #add(step: string, tasks: number, longestSeconds: number): void {
    const known = this.#steps.get(step) ?? { tasks: 0, longestSeconds: 0 };
    this.#steps.set(step, {
      tasks: known.tasks + tasks,
      longestSeconds: Math.max(known.longestSeconds, longestSeconds),
    });
  }
}
