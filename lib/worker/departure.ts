import type { Budget } from "./budget.ts";
import type { Succession } from "./succession.ts";

/** The reasons of the runtime that a successor can do something about. */
const LIMITS = new Set(["wall_clock", "cpu", "memory"]);

/** How often a worker tries to leave early. */
const HURRY_MS = 30_000;

/** What a departure is made of. */
export interface DepartureParts {
  /** The way to the next worker, in an edge function. */
  succession: Succession | undefined;
  /** What is left of the isolate's life. */
  budget: Budget;
  /** Called when the next worker works. */
  onSucceeded(): void;
  /** Called when everything is to be given back, now. */
  onEnd(reason: string): void;
}

/** How a worker leaves an isolate that ends: what it does for which reason, and when. */
export class Departure {
  readonly #parts: DepartureParts;
  #deadline: ReturnType<typeof setTimeout> | undefined;
  #hurriedAt = -Infinity;
  #isAnnounced = false;

  /** Prepares it. */
  constructor(parts: DepartureParts) {
    this.#parts = parts;
  }

  /** Whether requests go to another isolate, as far as one can know here. */
  get isRetired(): boolean {
    return this.#isAnnounced || this.#parts.budget.isRetired;
  }

  /**
   * Prepares for the end of the isolate, which its runtime has announced; any number of times.
   *
   * When the wall clock runs out there is time: a successor is called, tasks are claimed until it
   * works, and handlers go on until shortly before the end. When CPU or memory do there is none: a
   * successor is called and everything given back. When the platform ends the isolate by itself
   * there is no successor to call.
   */
  announce(reason: string): void {
    const { budget, onEnd } = this.#parts;
    if (isLimit(reason)) {
      this.#isAnnounced = true;
      this.#handOver();
    }
    if (reason !== "wall_clock") return onEnd(reason);
    const seconds = budget.secondsLeftWhenAnnounced;
    const milliseconds = Math.max(0, seconds - reserveOf(seconds)) * 1000;
    this.cancel();
    this.#deadline = setTimeout(() => onEnd(reason), milliseconds);
  }

  /** Leaves early, because the time that is left is too short for the tasks that wait. */
  hurry(): void {
    // It is asked with each claim, and calls that fail must not follow each other.
    if (performance.now() < this.#hurriedAt + HURRY_MS) return;
    this.#hurriedAt = performance.now();
    this.#handOver();
  }

  /** Forgets the deadline. */
  cancel(): void {
    clearTimeout(this.#deadline);
  }

  async #handOver(): Promise<void> {
    const { succession, onSucceeded } = this.#parts;
    if (await succession?.begin()) onSucceeded();
  }
}

/** Whether a reason is that the isolate has used up something. */
export function isLimit(reason: string): boolean {
  return LIMITS.has(reason);
}

/** The part of the seconds left that is kept to give tasks back, which takes a few round trips. */
function reserveOf(seconds: number): number {
  return Math.min(Math.max(0.25, seconds * 0.1), 2);
}
