/**
 * The options of steps.
 *
 * @module
 */
import type { Json } from "./json.ts";

/** What may be said about a step besides its slug, dependencies and handler. */
export interface StepOptions<Condition = { readonly [key: string]: Json }> {
  /**
   * How often a task is tried, the first attempt included.
   * @default {the flow's}
   */
  readonly maxAttempts?: number;
  /**
   * Seconds before the second attempt; doubled for each one after.
   * @default {the flow's}
   */
  readonly baseDelay?: number;
  /**
   * Seconds an attempt may take.
   * @default {the flow's}
   */
  readonly timeout?: number;
  /**
   * Seconds between the moment the step is ready and its first attempt.
   * @default {0}
   */
  readonly startDelay?: number;
  /**
   * The step runs only if this is a part of its input: the flow's input for a step without
   * dependencies, else the payload. An object has at least these properties, an array at least
   * these elements.
   * @default {no condition}
   */
  readonly runIf?: Condition;
  /**
   * The step runs only if this is not a part of its input.
   * @default {no condition}
   */
  readonly runUnless?: Condition;
  /**
   * What happens when `runIf` or `runUnless` keeps the step from running.
   * @default {"skip-cascade"}
   */
  readonly whenUnmet?: Otherwise;
  /**
   * What happens when the last attempt has failed.
   * @default {"fail"}
   */
  readonly whenExhausted?: Otherwise;
}

/**
 * What happens instead of a step: it is skipped together with every step that depends on it
 * (`skip-cascade`), it alone is skipped and its dependents run without its output (`skip`), or the
 * run fails (`fail`).
 */
export type Otherwise = "skip-cascade" | "skip" | "fail";
