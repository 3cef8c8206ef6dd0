/**
 * What happens to a run.
 *
 * @module
 */
import type { AnyFlow, FlowOutput, StepOutput, StepSlug } from "../dsl/mod.ts";

/** Something that happened to a run or to one of its steps. */
export type RunEvent<F extends AnyFlow = AnyFlow> =
  | RunStartedEvent
  | RunCompletedEvent<F>
  | RunEndedEvent
  | StepEvent
  | StepProgressEvent
  | StepCompletedEvents<F>;

/** A run started, or goes on after `retry()`. */
export interface RunStartedEvent {
  /** What happened. */
  readonly type: "run:started";
  /** When, as an ISO date; if it goes on, when it started first. */
  readonly at: string;
}

/** A run is completed. */
export interface RunCompletedEvent<F extends AnyFlow = AnyFlow> {
  /** What happened. */
  readonly type: "run:completed";
  /** When, as an ISO date. */
  readonly at: string;
  /** What it resulted in. */
  readonly output: FlowOutput<F>;
}

/** A run failed or was cancelled. */
export interface RunEndedEvent {
  /** What happened. */
  readonly type: "run:failed" | "run:cancelled";
  /** When, as an ISO date. */
  readonly at: string;
  /** Why it failed. */
  readonly error?: string;
}

/** A step started, failed, or was skipped. */
export interface StepEvent {
  /** What happened. */
  readonly type: "step:started" | "step:failed" | "step:skipped";
  /** The step. */
  readonly step: string;
  /** When, as an ISO date. */
  readonly at: string;
  /** Why it failed. */
  readonly error?: string;
}

/** Some tasks of a map are completed. */
export interface StepProgressEvent {
  /** What happened. */
  readonly type: "step:progress";
  /** The step. */
  readonly step: string;
  /** When it started, as an ISO date. */
  readonly at: string;
  /** How many tasks are completed. */
  readonly done: number;
  /** How many tasks there are. */
  readonly total: number;
}

/** A step is completed. */
export interface StepCompletedEvent<
  F extends AnyFlow = AnyFlow,
  Slug extends StepSlug<F> = StepSlug<F>,
> {
  /** What happened. */
  readonly type: "step:completed";
  /** The step. */
  readonly step: Slug;
  /** When, as an ISO date. */
  readonly at: string;
  /** What it resulted in. */
  readonly output: StepOutput<F, Slug>;
}

/** {@linkcode StepCompletedEvent} of any step, so that its slug tells the type of its output. */
export type StepCompletedEvents<F extends AnyFlow> = {
  [Slug in StepSlug<F>]: StepCompletedEvent<F, Slug>;
}[StepSlug<F>];
