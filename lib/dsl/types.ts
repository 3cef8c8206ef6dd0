/**
 * The types that flows carry.
 *
 * @module
 */
import type { FlowOptions } from "./flow.ts";
import type { StepDefinition } from "./step.ts";

/** A flow with its types erased: what the worker, the client and the compiler take. */
export interface AnyFlow {
  /** The flow's name in the database, and its queue's. */
  readonly slug: string;
  /** The options it was created with. */
  readonly options: FlowOptions;
  /** Its steps, in the order they were added. */
  readonly steps: readonly StepDefinition[];
  /** Returns the step with this slug, if there is one. */
  getStep(slug: string): StepDefinition | undefined;
}
