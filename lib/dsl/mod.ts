/**
 * Describes flows: what their steps are, what each waits for, and what it does.
 *
 * Nothing in here does I/O, so a flow can be imported by a worker, a browser and a compiler alike.
 *
 * @example
 * ```ts
 * import { Flow, type FlowOutput } from "pgflow/dsl";
 *
 * const Sum = new Flow<{ numbers: number[] }>({ slug: "sum" })
 *   .step("count", ({ run }) => run.numbers.length)
 *   .step("total", ({ run }) => run.numbers.reduce((sum, number) => sum + number, 0))
 *   .step("mean", ["count", "total"], ({ count, total }) => count === 0 ? null : total / count);
 *
 * const output: FlowOutput<typeof Sum> = { mean: 2.5 };
 * ```
 *
 * @module
 */
export * from "./assert_json.ts";
export * from "./check_input.ts";
export * from "./checks.ts";
export * from "./compile_flow.ts";
export * from "./condition.ts";
export * from "./context.ts";
export * from "./failed_run.ts";
export * from "./find_long_steps.ts";
export * from "./flow.ts";
export * from "./flow_options.ts";
export * from "./flow_shape.ts";
export * from "./hosted_flows.ts";
export * from "./is_flow.ts";
export * from "./json.ts";
export * from "./output_type.ts";
export * from "./standard_schema.ts";
export * from "./step.ts";
export * from "./step_options.ts";
export * from "./types.ts";
export {
  InvalidInputError,
  type InvalidInputIssue,
  PermanentError,
  PgflowError,
  type PgflowErrorOptions,
  TaskTimeoutError,
} from "../errors.ts";
