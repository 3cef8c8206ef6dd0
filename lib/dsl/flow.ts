/**
 * The builder of flows.
 *
 * @module
 */
import type { CheckedArray, CheckedInput, CheckedResult, CheckedSlug } from "./checks.ts";
import type { CheckedOptions, Condition, ConditionOn } from "./condition.ts";
import type { HandlerContext } from "./context.ts";
import { defineFlow } from "./define_flow.ts";
import { defineStep } from "./define_step.ts";
import type { FlowDefinition, FlowOptions } from "./flow_options.ts";
import type { Json } from "./json.ts";
import type { StepDefinition } from "./step.ts";
import type { StepOptions } from "./step_options.ts";
import type {
  ElementOf,
  FlowTypes,
  NoOptions,
  NoSteps,
  Payload,
  SkipOf,
  StepTypes,
} from "./types.ts";

/**
 * A graph of steps that knows what each step gets and gives.
 *
 * Only the type of its input is written down; it must be JSON. Every method that adds a step
 * returns a new flow and leaves the old one as it was. A step names the steps it depends on, which
 * must have been added before, so that no cycle can arise.
 *
 * @example
 * ```ts
 * import { Flow } from "pgflow/dsl";
 *
 * export const Shout = new Flow<{ text: string }>({ slug: "shout", maxAttempts: 5 })
 *   .step("upper", ({ run }) => run.text.toUpperCase())
 *   .step("shouted", ["upper"], ({ upper }) => `${upper}!`, { timeout: 10 });
 * ```
 */
export class Flow<Input = Json, Steps = NoSteps> {
  /** What `FlowInput` and its siblings read; no value at run time. */
  declare readonly "~types": FlowTypes<Input, Steps>;

  /** The flow's name in the database, and its queue's. */
  readonly slug: string;

  /** The options it was created with. */
  readonly options: FlowOptions;

  #steps: readonly StepDefinition[] = Object.freeze([]);

  /** Creates a flow that has no steps yet. */
  constructor(definition: CheckedInput<Input, FlowDefinition>) {
    const { slug, options } = defineFlow(definition);
    this.slug = slug;
    this.options = options;
  }

  /** Its steps, in the order they were added. */
  get steps(): readonly StepDefinition[] {
    return this.#steps;
  }

  /** Returns the step with this slug, if there is one. */
  getStep(slug: string): StepDefinition | undefined {
    return this.#steps.find((step) => step.slug === slug);
  }

  /**
   * Adds a step whose options stand beside its slug.
   *
   * @param definition The step's slug, the steps it depends on, and its options.
   * @param handler Does the step's work; its result, awaited, is the step's output.
   */
  step<
    Slug extends string,
    Result,
    Dependency extends keyof Steps & string = never,
    const Options extends StepOptions<Condition<Input, Steps, Dependency>> & StepName = StepName,
  >(
    definition: {
      readonly slug: CheckedSlug<Steps, Slug>;
      readonly dependsOn?: readonly Dependency[];
    } & CheckedOptions<StepOptions<Condition<Input, Steps, Dependency>> & StepName, Options>,
    handler: (
      payload: Payload<Input, Steps, Dependency>,
      context: HandlerContext<Input>,
    ) => CheckedResult<Slug, Result>,
  ): FlowWith<Input, Steps, Slug, Awaited<Result>, Dependency, "single", Options>;
  /**
   * Adds a step that starts with the run.
   *
   * @param slug The step's name, unique in the flow.
   * @param handler Does the step's work; its result, awaited, is the step's output.
   */
  step<
    Slug extends string,
    Result,
    const Options extends StepOptions<ConditionOn<Input>> = NoOptions,
  >(
    slug: CheckedSlug<Steps, Slug>,
    handler: (
      payload: Payload<Input, Steps, never>,
      context: HandlerContext<Input>,
    ) => CheckedResult<Slug, Result>,
    options?: CheckedOptions<StepOptions<ConditionOn<Input>>, Options>,
  ): FlowWith<Input, Steps, Slug, Awaited<Result>, never, "single", Options>;
  /**
   * Adds a step that starts when the steps it depends on are completed, and gets their outputs.
   *
   * @param slug The step's name, unique in the flow.
   * @param dependencies The slugs of the steps to wait for.
   * @param handler Does the step's work; its result, awaited, is the step's output.
   */
  step<
    Slug extends string,
    Result,
    Dependency extends keyof Steps & string = never,
    const Options extends StepOptions<Condition<Input, Steps, Dependency>> = NoOptions,
  >(
    slug: CheckedSlug<Steps, Slug>,
    dependencies: readonly Dependency[],
    handler: (
      payload: Payload<Input, Steps, Dependency>,
      context: HandlerContext<Input>,
    ) => CheckedResult<Slug, Result>,
    options?: CheckedOptions<StepOptions<Condition<Input, Steps, Dependency>>, Options>,
  ): FlowWith<Input, Steps, Slug, Awaited<Result>, Dependency, "single", Options>;
  // The overloads are what callers see; the arguments are checked when the step is defined.
  step(...args: never[]): never {
    return this.#with(defineStep(this, "single", args)) as never;
  }

  /**
   * Adds a step that works on each element of the flow's input at the same time.
   *
   * @param slug The step's name, unique in the flow.
   * @param handler Does the work on one element; the results, in order, are the step's output.
   */
  map<
    Slug extends string,
    Result,
    const Options extends StepOptions<ConditionOn<Input>> = NoOptions,
  >(
    slug: CheckedSlug<Steps, Slug>,
    handler: [Input] extends [readonly unknown[]]
      ? (element: Input[number], context: HandlerContext<Input>) => CheckedResult<Slug, Result>
      : "Cannot map over the flow's input: it is not an array",
    options?: CheckedOptions<StepOptions<ConditionOn<Input>>, Options>,
  ): FlowWith<Input, Steps, Slug, Awaited<Result>[], never, "map", Options>;
  /**
   * Adds a step that works on each element of another step's output at the same time.
   *
   * @param slug The step's name, unique in the flow.
   * @param dependency The slug of the step whose output is an array.
   * @param handler Does the work on one element; the results, in order, are the step's output.
   */
  map<
    Slug extends string,
    Result,
    Dependency extends keyof Steps & string,
    const Options extends StepOptions<Condition<Input, Steps, Dependency>> = NoOptions,
  >(
    slug: CheckedSlug<Steps, Slug>,
    dependency: CheckedArray<Steps, Dependency>,
    handler: (
      element: ElementOf<Input, Steps, Dependency>,
      context: HandlerContext<Input>,
    ) => CheckedResult<Slug, Result>,
    options?: CheckedOptions<StepOptions<Condition<Input, Steps, Dependency>>, Options>,
  ): FlowWith<Input, Steps, Slug, Awaited<Result>[], Dependency, "map", Options>;
  map(...args: never[]): never {
    return this.#with(defineStep(this, "map", args)) as never;
  }

  #with(step: StepDefinition): Flow<Input, Steps> {
    const flow = new Flow<Input, Steps>({ slug: this.slug, ...this.options } as never);
    flow.#steps = Object.freeze([...this.#steps, step]);
    return flow;
  }
}

/** A flow with one more step. */
export type FlowWith<
  Input,
  Steps,
  Slug extends string,
  Output,
  Dependency extends string,
  Type,
  Options,
> = Flow<
  Input,
  & Steps
  & Record<Slug, StepTypes<Output, Dependency, Type, SkipOf<Options>>>
>;

/** What the object form of a step has besides its options. */
export interface StepName {
  /** The step's name, unique in the flow. */
  readonly slug: string;
  /**
   * The slugs of the steps to wait for.
   * @default {[]}
   */
  readonly dependsOn?: readonly string[];
}
