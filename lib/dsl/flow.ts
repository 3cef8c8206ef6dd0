/**
 * The builder of flows.
 *
 * @module
 */
import type { HandlerContext } from "./context.ts";
import type { StepDefinition, StepHandler, StepOptions } from "./step.ts";

/** What may be said about a flow besides its slug. */
export interface FlowOptions {
  /**
   * How often a step is tried, the first attempt included.
   * @default {3}
   */
  maxAttempts?: number;
  /**
   * Seconds before the second attempt; doubled for each one after.
   * @default {5}
   */
  baseDelay?: number;
  /**
   * Seconds an attempt may take.
   * @default {60}
   */
  timeout?: number;
}

/** What a flow is created from. */
export interface FlowDefinition extends FlowOptions {
  /** The flow's name in the database, and its queue's. */
  slug: string;
}

/** A typed graph of steps; each method returns a new flow and leaves the old one as it was. */
export class Flow<Input = unknown> {
  /** The flow's name in the database, and its queue's. */
  readonly slug: string;
  /** The options it was created with. */
  readonly options: FlowOptions;
  /** Its steps, in the order they were added. */
  readonly steps: readonly StepDefinition[];

  /** Creates a flow without steps. */
  constructor(definition: FlowDefinition, steps: readonly StepDefinition[] = []) {
    const { slug, ...options } = definition;
    this.slug = slug;
    this.options = options;
    this.steps = steps;
  }

  /** Adds a step. */
  step(
    slug: string,
    handler: (payload: { run: Input }, context: HandlerContext<Input>) => unknown,
    options?: StepOptions,
  ): Flow<Input>;
  /** Adds a step that waits for others. */
  step(
    slug: string,
    dependencies: readonly string[],
    // deno-lint-ignore no-explicit-any
    handler: (payload: any, context: HandlerContext<Input>) => unknown,
    options?: StepOptions,
  ): Flow<Input>;
  // deno-lint-ignore no-explicit-any
  step(slug: string, ...rest: any[]): Flow<Input> {
    const dependencies: string[] = Array.isArray(rest[0]) ? rest.shift() : [];
    const [handler, options = {}] = rest as [StepHandler, StepOptions?];
    const definition: StepDefinition = {
      slug,
      dependencies,
      type: "single",
      performedBy: "handler",
      options,
      handler,
    };
    return new Flow<Input>({ slug: this.slug, ...this.options }, [...this.steps, definition]);
  }

  /** Returns the step with this slug, if there is one. */
  getStep(slug: string): StepDefinition | undefined {
    return this.steps.find((step) => step.slug === slug);
  }
}
