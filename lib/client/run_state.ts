/**
 * What is known about a run and its steps.
 *
 * @module
 */
import type { AnyFlow, StepOutput, StepSlug } from "../dsl/mod.ts";

/** Where a run is. */
export type RunStatus = "started" | "completed" | "failed" | "cancelled";

/** Where a step is. */
export type StepStatus =
  | "created"
  | "started"
  | "completed"
  | "failed"
  | "skipped"
  | "cancelled";

/** What is known about a step. */
export interface StepState<
  F extends AnyFlow = AnyFlow,
  Slug extends StepSlug<F> = StepSlug<F>,
> {
  /** The step's name. */
  readonly slug: Slug;
  /** Where it is. */
  readonly status: StepStatus;
  /** Who performs it. */
  readonly performedBy: "handler" | "approval" | "subflow";
  /** The steps it waits for. */
  readonly dependencies: readonly string[];
  /** What it has resulted in. */
  readonly output?: StepOutput<F, Slug>;
  /** Why it failed. */
  readonly error?: string;
  /** How many of its tasks are completed, if it is a map that has started. */
  readonly done?: number;
  /** How many tasks it has, if it is a map that has started. */
  readonly total?: number;
  /** The answers that an approval waits for, the first hundred. */
  readonly waiting?: readonly WaitingAnswer[];
  /** When it started, as an ISO date. */
  readonly startedAt?: string;
  /** When it was completed, skipped, cancelled, or failed. */
  readonly endedAt?: string;
}

/** An answer that somebody is asked for. */
export interface WaitingAnswer {
  /** Which element it is about, in an approval for each element of an array. */
  readonly taskIndex: number;
  /** What there is to decide. */
  readonly input: unknown;
  /** Whether the signed-in user may give it. */
  readonly mine: boolean;
  /** When it is too late, as an ISO date. */
  readonly until?: string;
}

/** A run among others. */
export interface RunSummary {
  /** The run's id. */
  readonly id: string;
  /** Its flow's slug. */
  readonly flow: string;
  /** Where it is. */
  readonly status: RunStatus;
  /** Why it failed. */
  readonly error?: string;
  /** When it started, as an ISO date. */
  readonly startedAt: string;
  /** When it was completed, cancelled, or failed. */
  readonly endedAt?: string;
}

/** What is known about a run. */
export interface RunState extends RunSummary {
  /** What it was started with. */
  readonly input: unknown;
  /** What it has resulted in. */
  readonly output?: unknown;
}
