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
  /** What {@linkcode FlowInput} and its siblings read; no value at run time. */
  readonly "~types": FlowTypes<any, any>;
}

/** The input that a flow is started with. */
export type FlowInput<F extends AnyFlow> = F["~types"]["input"];

/** What a run results in: the outputs of the steps that no other step depends on. */
export type FlowOutput<F extends AnyFlow> = LeavesOf<F["~types"]["steps"]>;

/** The slugs of a flow's steps. */
export type StepSlug<F extends AnyFlow> = keyof F["~types"]["steps"] & string;

/** What the handler of a step gets as its payload. */
export type StepInput<F extends AnyFlow, Slug extends StepSlug<F>> = Payload<
  FlowInput<F>,
  F["~types"]["steps"],
  F["~types"]["steps"][Slug]["dependency"]
>;

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
 * Its payload is left out and worked out when asked for: it would hold the steps before it, which
 * hold those before them, and the type would double with every step.
 */
export interface StepTypes<Output, Dependency> {
  /** What the dependents get. */
  readonly output: Output;
  /** The slugs of the steps it waits for. */
  readonly dependency: Dependency;
}

/** The steps of a new flow. */
export type NoSteps = Record<never, never>;

/** What a step gets: the flow's input as `run`, and the output of each of its dependencies. */
export type Payload<Input, Steps, Dependency extends string> = [Dependency] extends [never]
  ? { run: Input }
  : { [Name in "run" | Dependency]: Name extends "run" ? Input : Get<Get<Steps, Name>, "output"> };

/** The property `Key` of `T`, or never. */
export type Get<T, Key> = Key extends keyof T ? T[Key] : never;

/** The outputs of the steps that no other depends on. */
export type LeavesOf<Steps> = {
  [Slug in Exclude<keyof Steps, Get<Steps[keyof Steps], "dependency">>]: Get<Steps[Slug], "output">;
};
