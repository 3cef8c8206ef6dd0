/**
 * The options of flows.
 *
 * @module
 */

/** What may be said about a flow besides its slug; each step may say otherwise for itself. */
export interface FlowOptions {
  /**
   * How often a task is tried, the first attempt included.
   * @default {3}
   */
  readonly maxAttempts?: number;
  /**
   * Seconds: the n-th retry waits `baseDelay * 2^n`, an hour at most.
   * @default {5}
   */
  readonly baseDelay?: number;
  /**
   * Seconds an attempt may take.
   * @default {60}
   */
  readonly timeout?: number;
}

/** What a flow is created from. */
export interface FlowDefinition extends FlowOptions {
  /**
   * The flow's name in the database, and its queue's: letters, digits and `_`, not starting with a
   * digit, at most 47 characters.
   */
  readonly slug: string;
}
