/**
 * A step as the runtime sees it, its types erased.
 *
 * @module
 */
import type { HandlerContext } from "./context.ts";
import type { OutputType } from "./output_type.ts";
import type { Assignee, StepOptions } from "./step_options.ts";

/** One step of a flow, as it was added. */
export interface StepDefinition {
  /** The step's name, unique in its flow. */
  readonly slug: string;
  /** The steps whose outputs the handler gets; they were added to the flow before this one. */
  readonly dependencies: readonly string[];
  /** How many tasks the step has: one, or one per element of an array. */
  readonly type: "single" | "map";
  /** Who performs its tasks. */
  readonly performedBy: "handler" | "approval" | "subflow";
  /** The slug of the flow that it runs, in a step that a subflow performs. */
  readonly subflow?: string;
  /** The options it was added with, and no others. */
  readonly options: StepOptions & {
    readonly output?: OutputType;
    readonly assignee?: Assignee;
  };
  /**
   * Does the work of one task; its result, awaited, is the task's output. That of a subflow step
   * returns the input of the child run, and that of an approval throws, since no worker calls it.
   */
  readonly handler: StepHandler;
}

/** A handler with its types erased. */
export type StepHandler = (payload: unknown, context: HandlerContext) => unknown;
