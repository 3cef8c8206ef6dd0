/**
 * A step as the runtime sees it, its types erased.
 *
 * @module
 */
import type { HandlerContext } from "./context.ts";

/** One step of a flow, with every option that was given and none that was not. */
export interface StepDefinition {
  /** The step's name, unique in its flow. */
  readonly slug: string;
  /** The steps whose outputs the handler gets; added to the flow before this one. */
  readonly dependencies: readonly string[];
  /** How many tasks the step has: one, or one per element of an array. */
  readonly type: "single" | "map";
  /** Who performs its tasks. */
  readonly performedBy: "handler" | "approval" | "subflow";
  /** The options it was added with. */
  readonly options: StepOptions;
  /** Does the work of one task; its result, awaited, is the task's output. */
  readonly handler: StepHandler;
}

/** A handler with its types erased. */
export type StepHandler = (payload: unknown, context: HandlerContext) => unknown;

/** What may be said about a step besides its name, dependencies and handler. */
export interface StepOptions {
  /**
   * How often the step is tried, the first attempt included.
   * @default {the flow's}
   */
  maxAttempts?: number;
  /**
   * Seconds before the second attempt; doubled for each one after.
   * @default {the flow's}
   */
  baseDelay?: number;
  /**
   * Seconds an attempt may take.
   * @default {the flow's}
   */
  timeout?: number;
  /**
   * Seconds between the moment the step is ready and its first attempt.
   * @default {0}
   */
  startDelay?: number;
}
