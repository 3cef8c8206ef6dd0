/**
 * A flow as SQL statements.
 *
 * @module
 */
import { flowShape } from "./flow_shape.ts";
import { hostedFlows } from "./hosted_flows.ts";
import type { AnyFlow } from "./types.ts";

/**
 * Returns the statements that create a flow and its steps, in order, after those of the flows that
 * it starts; running them again is safe.
 */
export function compileFlow(flow: AnyFlow): string[] {
  return hostedFlows(flow).flatMap(compileOne);
}

function compileOne(flow: AnyFlow): string[] {
  const shape = flowShape(flow);
  const createFlow = call("create_flow", [
    ["flow_slug", text(flow.slug)],
    ["max_attempts", String(shape.max_attempts)],
    ["base_delay", String(shape.base_delay)],
    ["timeout", String(shape.timeout)],
    ["on_failure_slug", shape.on_failure_slug === null ? null : text(shape.on_failure_slug)],
    ["startable_by", shape.startable_by.length === 0 ? null : textArray(shape.startable_by)],
    ["open_runs_per_owner", number(shape.open_runs_per_owner)],
    ["starts_per_minute_per_owner", number(shape.starts_per_minute_per_owner)],
    ["retry_jitter", shape.retry_jitter === 0 ? null : String(shape.retry_jitter)],
    ["broadcast", shape.broadcast ? "true" : null],
  ]);
  const addSteps = shape.steps.map((step) =>
    call("add_step", [
      ["flow_slug", text(flow.slug)],
      ["step_slug", text(step.step_slug)],
      ["deps_slugs", step.deps_slugs.length === 0 ? null : textArray(step.deps_slugs)],
      ["max_attempts", number(step.max_attempts)],
      ["base_delay", number(step.base_delay)],
      ["timeout", number(step.timeout)],
      ["start_delay", number(step.start_delay)],
      ["step_type", step.step_type === "single" ? null : text(step.step_type)],
      ["required_input_pattern", json(step.required_input_pattern)],
      ["forbidden_input_pattern", json(step.forbidden_input_pattern)],
      ["when_unmet", step.when_unmet === "skip-cascade" ? null : text(step.when_unmet)],
      ["when_exhausted", step.when_exhausted === "fail" ? null : text(step.when_exhausted)],
      ["performed_by", step.performed_by === "handler" ? null : text(step.performed_by)],
      ["subflow_slug", step.subflow_slug === null ? null : text(step.subflow_slug)],
      ["assignee", step.assignee === null ? null : text(step.assignee)],
    ])
  );
  return [createFlow, ...addSteps];
}

/** Arguments that are null are left to the function's default. */
function call(name: string, args: [name: string, value: string | null][]): string {
  const given = args.filter(([, value]) => value !== null);
  return `select pgflow.${name}(${given.map(([arg, value]) => `${arg} => ${value}`).join(", ")});`;
}

function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

function textArray(values: string[]): string {
  return `array[${values.map(text).join(", ")}]::text[]`;
}

function number(value: number | null): string | null {
  return value === null ? null : String(value);
}

function json(value: unknown): string | null {
  return value === null ? null : `${text(JSON.stringify(value))}::jsonb`;
}
