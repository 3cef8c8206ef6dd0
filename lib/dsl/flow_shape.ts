/**
 * A flow as the database is told about it.
 *
 * @module
 */
import type { Json } from "./json.ts";
import type { Otherwise } from "./step_options.ts";
import type { AnyFlow } from "./types.ts";

/** The argument `shape` of `pgflow.ensure_flow_compiled`. */
export interface FlowShape {
  /** How often a step is tried. */
  max_attempts: number;
  /** Seconds: the n-th retry waits `base_delay * 2^n`. */
  base_delay: number;
  /** Seconds an attempt may take. */
  timeout: number;
  /** The part of a retry's delay that is random. */
  retry_jitter: number;
  /** The flow that is started when a run has failed. */
  on_failure_slug: string | null;
  /** The roles of the API that may start runs, in alphabetical order. */
  startable_by: string[];
  /** How many runs one owner may have open. */
  open_runs_per_owner: number | null;
  /** How many runs one owner may start within a minute. */
  starts_per_minute_per_owner: number | null;
  /** Whether the events of all its runs are sent to Realtime. */
  broadcast: boolean;
  /** The steps, in the order they were added. */
  steps: StepShape[];
}

/** One step of a {@linkcode FlowShape}; null stands for the flow's option or for none. */
export interface StepShape {
  /** The step's name. */
  step_slug: string;
  /** The steps it waits for, in the order they were named. */
  deps_slugs: string[];
  /** How many tasks it has. */
  step_type: "single" | "map";
  /** Who performs its tasks. */
  performed_by: "handler" | "approval" | "subflow";
  /** The flow it runs, if a subflow performs it. */
  subflow_slug: string | null;
  /** Who may answer through the API, if it is an approval. */
  assignee: string | null;
  /** The step runs when its input contains this. */
  required_input_pattern: { readonly [key: string]: Json } | null;
  /** The step runs when its input does not contain this. */
  forbidden_input_pattern: { readonly [key: string]: Json } | null;
  /** What happens when it does not run. */
  when_unmet: Otherwise;
  /** What happens when its last attempt failed. */
  when_exhausted: Otherwise;
  /** How often it is tried. */
  max_attempts: number | null;
  /** Seconds: the n-th retry waits `base_delay * 2^n`. */
  base_delay: number | null;
  /** Seconds an attempt may take, or an approval may wait. */
  timeout: number | null;
  /** Seconds between the moment it is ready and its first attempt. */
  start_delay: number | null;
}

/** Returns the shape of a flow in the words of SQL. */
export function flowShape(flow: AnyFlow): FlowShape {
  return {
    max_attempts: flow.options.maxAttempts ?? 3,
    base_delay: flow.options.baseDelay ?? 5,
    timeout: flow.options.timeout ?? 60,
    retry_jitter: flow.options.retryJitter ?? 0,
    on_failure_slug: flow.failureFlow?.slug ?? null,
    startable_by: [...new Set(flow.options.startableBy)].sort(),
    open_runs_per_owner: flow.options.openRunsPerOwner ?? null,
    starts_per_minute_per_owner: flow.options.startsPerMinutePerOwner ?? null,
    broadcast: flow.options.broadcast ?? false,
    steps: flow.steps.map(({ slug, dependencies, type, performedBy, subflow, options }) => ({
      step_slug: slug,
      deps_slugs: [...dependencies],
      step_type: type,
      performed_by: performedBy,
      subflow_slug: subflow ?? null,
      assignee: options.assignee ?? null,
      required_input_pattern: options.runIf ?? null,
      forbidden_input_pattern: options.runUnless ?? null,
      when_unmet: options.whenUnmet ?? "skip-cascade",
      when_exhausted: options.whenExhausted ?? "fail",
      max_attempts: options.maxAttempts ?? null,
      base_delay: options.baseDelay ?? null,
      timeout: options.timeout ?? null,
      start_delay: options.startDelay ?? null,
    })),
  };
}
