/**
 * The types that a flow carries, and how to read them.
 *
 * A step costs its own type and a look at its dependencies', so that checking a flow takes time in
 * proportion to its steps: no type here walks over all of them but those that read a finished flow.
 *
 * @module
 */
// deno-lint-ignore-file no-explicit-any
import type { FlowOptions } from "./flow_options.ts";
import type { Json } from "./json.ts";
import type { OutputType } from "./output_type.ts";
import type { StandardSchema } from "./standard_schema.ts";
import type { StepDefinition } from "./step.ts";

/** A flow with its types erased: what the worker, the client and the compiler take. */
export interface AnyFlow {
  /** The flow's name in the database, and its queue's. */
  readonly slug: string;
  /** The options it was created with. */
  readonly options: FlowOptions;
  /** The schema of its input, if there is one. */
  readonly inputSchema: StandardSchema<any, any> | undefined;
  /** Its steps, in the order they were added. */
  readonly steps: readonly StepDefinition[];
  /** The flows that its subflow steps run, and those that they run, each after its own subflows. */
  readonly subflows: readonly AnyFlow[];
  /** The flow that is started when a run has failed, if there is one. */
  readonly failureFlow: AnyFlow | undefined;
  /** Returns the step with this slug, if there is one. */
  getStep(slug: string): StepDefinition | undefined;
  /** What {@linkcode FlowInput} and its siblings read; no value at run time. */
  readonly "~types": FlowTypes<any, any>;
}

/** A flow's slug; any text if the type of the flow's input is written between angle brackets. */
export type FlowSlug<F extends AnyFlow> = F["slug"];

/** The input that a flow is started with. */
export type FlowInput<F extends AnyFlow> = F["~types"]["input"];

/** What a run results in: the outputs of the steps that no other step depends on. */
export type FlowOutput<F extends AnyFlow> = LeavesOf<F["~types"]["steps"]>;

/** The slugs of a flow's steps. */
export type StepSlug<F extends AnyFlow> = keyof F["~types"]["steps"] & string;

/** The slugs of a flow's approvals. */
export type ApprovalSlug<F extends AnyFlow> = SlugsBy<
  F["~types"]["steps"],
  "performedBy",
  "approval"
>;

/** What an approval is answered with, once or for an element of an array. */
export type ApprovalAnswer<F extends AnyFlow, Slug extends StepSlug<F>> =
  F["~types"]["steps"][Slug]["type"] extends "map" ? ElementOf<never, F["~types"]["steps"], Slug>
    : StepOutput<F, Slug>;

/** What the handler of a step gets as its payload; an element if the step is a map. */
export type StepInput<F extends AnyFlow, Slug extends StepSlug<F>> =
  F["~types"]["steps"][Slug]["type"] extends "map"
    ? ElementOf<FlowInput<F>, F["~types"]["steps"], F["~types"]["steps"][Slug]["dependency"]>
    : Payload<FlowInput<F>, F["~types"]["steps"], F["~types"]["steps"][Slug]["dependency"]>;

/** What the dependents of a step get from it. */
export type StepOutput<F extends AnyFlow, Slug extends StepSlug<F>> =
  F["~types"]["steps"][Slug]["output"];

/** What type-checking knows about a flow. */
export interface FlowTypes<Input, Steps> {
  /** What it is started with. */
  readonly input: Input;
  /** Its steps' {@linkcode StepTypes} by slug. */
  readonly steps: Steps;
}

/**
 * What type-checking knows about a step.
 *
 * What follows from other steps, its payload for one, is left out and worked out when asked for: it
 * would hold the steps before it, which hold those before them, and double with every step.
 */
export interface StepTypes<Output, Dependency, Type, Performer, Skip> {
  /** What the dependents get. */
  readonly output: Output;
  /** The slugs of the steps it waits for. */
  readonly dependency: Dependency;
  /** `single` or `map`. */
  readonly type: Type;
  /** `handler`, `approval` or `subflow`. */
  readonly performedBy: Performer;
  /**
   * How its options may skip it: `alone`, so that its dependents run without it, in a `cascade` with
   * all of its dependents, either, or never.
   */
  readonly skip: Skip;
}

/** The steps of a new flow. */
export type NoSteps = Record<never, never>;

/** The options of a step that has none. */
export type NoOptions = Record<never, never>;

/**
 * What a step gets: the flow's input as `run`, and the output of each of its dependencies; those
 * that may be skipped alone are optional.
 */
export type Payload<Input, Steps, Dependency extends string> = [Dependency] extends [never]
  ? { run: Input }
  : [SkippedAlone<Steps, Dependency>] extends [never] ? {
      [Name in "run" | Dependency]: Name extends "run" ? Input : OutputOf<Steps, Name>;
    }
  : PartialPayload<Input, Steps, Dependency, SkippedAlone<Steps, Dependency>>;

/** A payload in which the outputs of some dependencies are optional. */
export type PartialPayload<Input, Steps, Dependency extends string, Optional extends string> = Flat<
  & {
    [Name in "run" | Exclude<Dependency, Optional>]: Name extends "run" ? Input
      : OutputOf<Steps, Name>;
  }
  & { [Name in Optional]?: OutputOf<Steps, Name> }
>;

/** What a task of a map gets: an element of its dependency's output, or of the flow's input. */
export type ElementOf<Input, Steps, Dependency> = [Dependency] extends [never]
  ? Input extends readonly (infer Element)[] ? Element : never
  : OutputOf<Steps, Dependency> extends readonly (infer Element)[] ? Element
  : never;

/** The output of one step. */
export type OutputOf<Steps, Slug> = Get<Get<Steps, Slug>, "output">;

/** The slugs of the steps that may be skipped while their dependents run. */
export type SkippedAlone<Steps, Slug extends string> = Slug extends unknown
  ? "alone" extends Get<Get<Steps, Slug>, "skip"> ? Slug : never
  : never;

/** What an approval with these options is answered with. */
export type ApprovalOutput<Options> = "output" extends keyof Options ? AnswerOf<Options["output"]>
  : Json;

/** What a schema is a schema of. */
export type AnswerOf<Schema> = Schema extends OutputType<infer Output> ? Output : never;

/** How a step with these options may come to be skipped. */
export type SkipOf<Options> =
  | ("runIf" extends keyof Options ? SkipBy<UnmetOf<Options>> : never)
  | ("runUnless" extends keyof Options ? SkipBy<UnmetOf<Options>> : never)
  | SkipBy<Get<Options, "whenExhausted">>;

/** What happens when the condition among these options is unmet. */
export type UnmetOf<Options> = "whenUnmet" extends keyof Options ? Get<Options, "whenUnmet">
  : "skip-cascade";

/** How a step is skipped by an option. */
export type SkipBy<Option> =
  | ("skip" extends Option ? "alone" : never)
  | ("skip-cascade" extends Option ? "cascade" : never);

/** The outputs of the steps that no other depends on; those that may be skipped are optional. */
export type LeavesOf<Steps> = OutputsOf<
  Steps,
  Exclude<keyof Steps & string, Get<Steps[keyof Steps], "dependency">>,
  SlugsBy<Steps, "skip", "alone"> | Downstream<Steps, SlugsBy<Steps, "skip", "cascade">>
>;

/** The outputs of some steps, those of the optional ones as optional properties. */
export type OutputsOf<Steps, Slug extends string, Optional extends string> = Flat<
  & { [Name in Exclude<Slug, Optional>]: OutputOf<Steps, Name> }
  & { [Name in Slug & Optional]?: OutputOf<Steps, Name> }
>;

/** The slugs of some steps and of all that depend on them, however deep. */
export type Downstream<Steps, Slug extends string, Found extends string = never> = [Slug] extends
  [never] ? Found
  : Downstream<Steps, Exclude<SlugsBy<Steps, "dependency", Slug>, Found | Slug>, Found | Slug>;

/** The slugs of the steps whose `Key` includes one of these values. */
export type SlugsBy<Steps, Key, Value> = {
  [Slug in keyof Steps & string]: [Extract<Get<Steps[Slug], Key>, Value>] extends [never] ? never
    : Slug;
}[keyof Steps & string];

/** The property `Key` of `T`, or never. */
export type Get<T, Key> = Key extends keyof T ? T[Key] : never;

/** An intersection of objects as one object. */
export type Flat<T> = T extends unknown ? { [Key in keyof T]: T[Key] } : never;
