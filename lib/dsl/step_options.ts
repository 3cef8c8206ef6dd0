/**
 * The options of steps.
 *
 * @module
 */

/** What may be said about a step besides its slug, dependencies and handler. */
export interface StepOptions {
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
}
