/**
 * Describes flows: what the steps are, what each waits for, and what it does.
 *
 * @module
 */
export * from "./assert_json.ts";
export * from "./compile_flow.ts";
export * from "./context.ts";
export * from "./flow.ts";
export * from "./flow_shape.ts";
export * from "./step.ts";
export * from "./types.ts";
export {
  PermanentError,
  PgflowError,
  type PgflowErrorOptions,
  TaskTimeoutError,
} from "../errors.ts";
