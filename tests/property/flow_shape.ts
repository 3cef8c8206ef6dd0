import type { JsonObject } from "./json.ts";

/** A step as pgflow.ensure_flow_compiled takes it; absent options are the flow's or the default. */
export interface StepShape {
  step_slug: string;
  deps_slugs: string[];
  step_type?: "single" | "map";
  performed_by?: "handler" | "approval" | "subflow";
  subflow_slug?: string;
  required_input_pattern?: JsonObject;
  forbidden_input_pattern?: JsonObject;
  when_unmet?: Consequence;
  when_exhausted?: Consequence;
  max_attempts?: number;
  base_delay?: number;
  timeout?: number;
  start_delay?: number;
}

/** What an unmet condition or a failed last attempt does. */
export type Consequence = "skip-cascade" | "skip" | "fail";

/** A flow as pgflow.ensure_flow_compiled takes it, with its slug. */
export interface FlowShape {
  /** Whether the events of all its runs are sent. */
  broadcast?: boolean;
  flow_slug: string;
  max_attempts?: number;
  base_delay?: number;
  timeout?: number;
  on_failure_slug?: string;
  steps: StepShape[];
}

/** Returns how many attempts a task of a step has. */
export function attemptLimit(flow: FlowShape, step: StepShape): number {
  return Math.max(step.max_attempts ?? flow.max_attempts ?? 3, 1);
}

/** Returns whether a flow can only start with an array. */
export function startsWithMap(flow: FlowShape): boolean {
  return flow.steps.some((step) => step.step_type === "map" && step.deps_slugs.length === 0);
}
