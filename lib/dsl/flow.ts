/**
 * The builder of flows.
 *
 * Each method has a form for every way to call it, and they all return the class itself, so that
 * none of them can stand in another file.
 *
 * @module
 */
import type {
  CheckedArray,
  CheckedArrayInput,
  CheckedInput,
  CheckedResult,
  CheckedSlug,
} from "./checks.ts";
import type { CheckedOptions, Condition, ConditionOn } from "./condition.ts";
import type { HandlerContext } from "./context.ts";
import { defineFlow } from "./define_flow.ts";
import { defineHook } from "./define_hook.ts";
import { defineStep } from "./define_step.ts";
import type { FailedRun } from "./failed_run.ts";
import type { FlowDefinition, FlowOptions } from "./flow_options.ts";
import type { Json } from "./json.ts";
import type { StepKind } from "./read_arguments.ts";
import type { StandardSchema } from "./standard_schema.ts";
import type { StepDefinition } from "./step.ts";
import type { ApprovalOptions, StepOptions } from "./step_options.ts";
import type {
  AnyFlow,
  ApprovalOutput,
  ElementOf,
  FlowInput,
  FlowOutput,
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
 * Only the type of its input is written down, or inferred from a schema; it must be JSON. Every method that adds a step
 * returns a new flow and leaves the old one as it was. A step names the steps it depends on, which
 * must have been added before, so that no cycle can arise.
 *
 * There is one method for each kind of step. A step is performed by a handler, by somebody outside
 * or by another flow; and it is done once, or for each element of an array. The name says both, and
 * arguments mean the same everywhere: several dependencies are an array of slugs, that of a map is
 * a slug, and without them a step starts with the run, a map over the flow's input.
 *
 * |                      | by a handler | by somebody outside | by another flow |
 * | -------------------- | ------------ | ------------------- | --------------- |
 * | once                 | `step`       | `approval`          | `subflow`       |
 * | for each element     | `map`        | `mapApproval`       | `mapSubflow`    |
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
export class Flow<Input = Json, Steps = NoSteps, Name extends string = string> {
  /** What `FlowInput` and its siblings read; no value at run time. */
  declare readonly "~types": FlowTypes<Input, Steps>;

  /** The flow's name in the database, and its queue's. */
  readonly slug: Name;

  /** The options it was created with. */
  readonly options: FlowOptions;

  /** The schema of its input, if there is one. */
  readonly inputSchema: StandardSchema<Input, unknown> | undefined;

  #steps: readonly StepDefinition[] = Object.freeze([]);
  #subflows: readonly AnyFlow[] = Object.freeze([]);
  #failureFlow: AnyFlow | undefined;

  /** Creates a flow that has no steps yet. */
  constructor(definition: CheckedInput<Input, FlowDefinition<Input, Name>>) {
    const { slug, input, options } = defineFlow(definition);
    this.slug = slug as Name;
    this.inputSchema = input as StandardSchema<Input, unknown> | undefined;
    this.options = options;
  }

  /** Its steps, in the order they were added. */
  get steps(): readonly StepDefinition[] {
    return this.#steps;
  }

  /** The flows that its subflow steps run, and those that they run, each after its own subflows. */
  get subflows(): readonly AnyFlow[] {
    return this.#subflows;
  }

  /** The flow that is started when a run has failed, if there is one: see `onFailure`. */
  get failureFlow(): AnyFlow | undefined {
    return this.#failureFlow;
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
    handler: Handler<Payload<Input, Steps, Dependency>, Input, CheckedResult<Slug, Result>>,
  ): FlowWith<Input, Steps, Name, Slug, Awaited<Result>, Dependency, "single", "handler", Options>;
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
    handler: Handler<Payload<Input, Steps, never>, Input, CheckedResult<Slug, Result>>,
    options?: CheckedOptions<StepOptions<ConditionOn<Input>>, Options>,
  ): FlowWith<Input, Steps, Name, Slug, Awaited<Result>, never, "single", "handler", Options>;
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
    handler: Handler<Payload<Input, Steps, Dependency>, Input, CheckedResult<Slug, Result>>,
    options?: CheckedOptions<StepOptions<Condition<Input, Steps, Dependency>>, Options>,
  ): FlowWith<Input, Steps, Name, Slug, Awaited<Result>, Dependency, "single", "handler", Options>;
  step(...args: never[]): never {
    return this.#with({ type: "single", performedBy: "handler" }, args);
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
    handler: CheckedArrayInput<
      Input,
      Handler<ElementOf<Input, Steps, never>, Input, CheckedResult<Slug, Result>>
    >,
    options?: CheckedOptions<StepOptions<ConditionOn<Input>>, Options>,
  ): FlowWith<Input, Steps, Name, Slug, Awaited<Result>[], never, "map", "handler", Options>;
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
    handler: Handler<
      ElementOf<Input, Steps, Dependency>,
      Input,
      CheckedResult<Slug, Result>
    >,
    options?: CheckedOptions<StepOptions<Condition<Input, Steps, Dependency>>, Options>,
  ): FlowWith<Input, Steps, Name, Slug, Awaited<Result>[], Dependency, "map", "handler", Options>;
  map(...args: never[]): never {
    return this.#with({ type: "map", performedBy: "handler" }, args);
  }

  /**
   * Adds a step that waits for `pgflow.complete_step` or `pgflow.fail_step`, called by somebody who
   * has read its input. Nothing is queued meanwhile.
   *
   * @param slug The step's name, unique in the flow.
   * @param dependencies The slugs of the steps to wait for before.
   */
  approval<
    Slug extends string,
    Dependency extends keyof Steps & string = never,
    const Options extends ApprovalOptions<Condition<Input, Steps, Dependency>> = NoOptions,
  >(
    slug: CheckedSlug<Steps, Slug>,
    dependencies: readonly Dependency[],
    options?: CheckedOptions<ApprovalOptions<Condition<Input, Steps, Dependency>>, Options>,
  ): FlowWith<
    Input,
    Steps,
    Name,
    Slug,
    ApprovalOutput<Options>,
    Dependency,
    "single",
    "approval",
    Options
  >;
  /** Adds an approval that is waited for from the start of the run. */
  approval<
    Slug extends string,
    const Options extends ApprovalOptions<ConditionOn<Input>> = NoOptions,
  >(
    slug: CheckedSlug<Steps, Slug>,
    options?: CheckedOptions<ApprovalOptions<ConditionOn<Input>>, Options>,
  ): FlowWith<
    Input,
    Steps,
    Name,
    Slug,
    ApprovalOutput<Options>,
    never,
    "single",
    "approval",
    Options
  >;
  approval(...args: never[]): never {
    return this.#with({ type: "single", performedBy: "approval" }, args);
  }

  /**
   * Adds a step with an approval for each element of another step's output; they are told apart by
   * their `task_index`, and the answers, in order, are the step's output.
   *
   * @param slug The step's name, unique in the flow.
   * @param dependency The slug of the step whose output is an array.
   */
  mapApproval<
    Slug extends string,
    Dependency extends keyof Steps & string,
    const Options extends ApprovalOptions<Condition<Input, Steps, Dependency>> = NoOptions,
  >(
    slug: CheckedSlug<Steps, Slug>,
    dependency: CheckedArray<Steps, Dependency>,
    options?: CheckedOptions<ApprovalOptions<Condition<Input, Steps, Dependency>>, Options>,
  ): FlowWith<
    Input,
    Steps,
    Name,
    Slug,
    ApprovalOutput<Options>[],
    Dependency,
    "map",
    "approval",
    Options
  >;
  /** Adds a step with an approval for each element of the flow's input. */
  mapApproval<
    Slug extends string,
    const Options extends ApprovalOptions<ConditionOn<Input>> = NoOptions,
  >(
    slug: CheckedArrayInput<Input, CheckedSlug<Steps, Slug>>,
    options?: CheckedOptions<ApprovalOptions<ConditionOn<Input>>, Options>,
  ): FlowWith<
    Input,
    Steps,
    Name,
    Slug,
    ApprovalOutput<Options>[],
    never,
    "map",
    "approval",
    Options
  >;
  mapApproval(...args: never[]): never {
    return this.#with({ type: "map", performedBy: "approval" }, args);
  }

  /**
   * Adds a step that runs another flow; the output of that run is the step's, and its failure a
   * failed attempt.
   *
   * @param slug The step's name, unique in the flow.
   * @param dependencies The slugs of the steps to wait for before.
   * @param subflow The other flow, not built on this one.
   * @param handler Returns the input of the other flow's run.
   */
  subflow<
    Slug extends string,
    Child extends AnyFlow,
    Dependency extends keyof Steps & string = never,
    const Options extends StepOptions<Condition<Input, Steps, Dependency>> = NoOptions,
  >(
    slug: CheckedSlug<Steps, Slug>,
    dependencies: readonly Dependency[],
    subflow: Child,
    handler: Handler<
      Payload<Input, Steps, Dependency>,
      Input,
      FlowInput<Child> | Promise<FlowInput<Child>>
    >,
    options?: CheckedOptions<StepOptions<Condition<Input, Steps, Dependency>>, Options>,
  ): FlowWith<
    Input,
    Steps,
    Name,
    Slug,
    FlowOutput<Child>,
    Dependency,
    "single",
    "subflow",
    Options
  >;
  /** Adds a step that runs another flow as soon as the run starts. */
  subflow<
    Slug extends string,
    Child extends AnyFlow,
    const Options extends StepOptions<ConditionOn<Input>> = NoOptions,
  >(
    slug: CheckedSlug<Steps, Slug>,
    subflow: Child,
    handler: Handler<
      Payload<Input, Steps, never>,
      Input,
      FlowInput<Child> | Promise<FlowInput<Child>>
    >,
    options?: CheckedOptions<StepOptions<ConditionOn<Input>>, Options>,
  ): FlowWith<Input, Steps, Name, Slug, FlowOutput<Child>, never, "single", "subflow", Options>;
  subflow(...args: never[]): never {
    return this.#with({ type: "single", performedBy: "subflow" }, args);
  }

  /**
   * Adds a step that runs another flow for each element of another step's output at the same time;
   * the outputs of those runs, in order, are the step's.
   *
   * @param slug The step's name, unique in the flow.
   * @param dependency The slug of the step whose output is an array.
   * @param subflow The other flow, not built on this one.
   * @param handler Returns the input of the other flow's run for one element.
   */
  mapSubflow<
    Slug extends string,
    Child extends AnyFlow,
    Dependency extends keyof Steps & string,
    const Options extends StepOptions<Condition<Input, Steps, Dependency>> = NoOptions,
  >(
    slug: CheckedSlug<Steps, Slug>,
    dependency: CheckedArray<Steps, Dependency>,
    subflow: Child,
    handler: Handler<
      ElementOf<Input, Steps, Dependency>,
      Input,
      FlowInput<Child> | Promise<FlowInput<Child>>
    >,
    options?: CheckedOptions<StepOptions<Condition<Input, Steps, Dependency>>, Options>,
  ): FlowWith<Input, Steps, Name, Slug, FlowOutput<Child>[], Dependency, "map", "subflow", Options>;
  /** Adds a step that runs another flow for each element of the flow's input at the same time. */
  mapSubflow<
    Slug extends string,
    Child extends AnyFlow,
    const Options extends StepOptions<ConditionOn<Input>> = NoOptions,
  >(
    slug: CheckedArrayInput<Input, CheckedSlug<Steps, Slug>>,
    subflow: Child,
    handler: Handler<
      ElementOf<Input, Steps, never>,
      Input,
      FlowInput<Child> | Promise<FlowInput<Child>>
    >,
    options?: CheckedOptions<StepOptions<ConditionOn<Input>>, Options>,
  ): FlowWith<Input, Steps, Name, Slug, FlowOutput<Child>[], never, "map", "subflow", Options>;
  mapSubflow(...args: never[]): never {
    return this.#with({ type: "map", performedBy: "subflow" }, args);
  }

  /**
   * Has something done when a run has failed, as a run of a flow of its own: as durable, retried
   * and visible as any other. That flow is in `failureFlow`.
   *
   * @param handler Gets the failed run as `run`; its result is not kept.
   */
  onFailure(
    handler: Handler<{ run: FailedRun<Input> }, FailedRun<Input>, unknown>,
  ): Flow<Input, Steps, Name> {
    const { slug, work } = defineHook(this, handler);
    const flow = this.#copy();
    flow.#failureFlow = new Flow<FailedRun<Json>>({ slug }).step("on_failure", work as never);
    return flow;
  }

  // The overloads are what callers see; the arguments are checked when the step is defined.
  #with(kind: StepKind, args: readonly unknown[]): never {
    const { step, subflow } = defineStep(this, kind, args);
    const flow = this.#copy();
    flow.#steps = Object.freeze([...this.#steps, step]);
    if (subflow !== undefined) {
      const subflows = new Set([...this.#subflows, ...subflow.subflows, subflow]);
      flow.#subflows = Object.freeze([...subflows]);
    }
    return flow as never;
  }

  #copy(): Flow<Input, Steps, Name> {
    const { slug, inputSchema: input, options } = this;
    const flow = new Flow<Input, Steps, Name>({ slug, input, ...options } as never);
    flow.#steps = this.#steps;
    flow.#subflows = this.#subflows;
    flow.#failureFlow = this.#failureFlow;
    return flow;
  }
}

/** Does the work of one task. */
export type Handler<Given, Input, Result> = (
  payload: Given,
  context: HandlerContext<Input>,
) => Result;

/** A flow with one more step. */
export type FlowWith<
  Input,
  Steps,
  Name extends string,
  Slug extends string,
  Output,
  Dependency extends string,
  Type,
  Performer,
  Options,
> = Flow<
  Input,
  & Steps
  & Record<Slug, StepTypes<Output, Dependency, Type, Performer, SkipOf<Options>>>,
  Name
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
