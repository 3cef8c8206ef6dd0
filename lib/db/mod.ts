/**
 * The database as the worker sees it: a method per SQL function, rows in camelCase, errors with
 * codes. All SQL text in TypeScript is in this folder.
 *
 * @module
 */
export type {
  PollArguments,
  RegisterArguments,
  StartFlowArguments,
  WaitArguments,
} from "./arguments.ts";
export * from "./connect.ts";
export * from "./db.ts";
export * from "./errors.ts";
export { JsonParameter } from "./json_parameter.ts";
export type {
  Attempt,
  ClaimedTask,
  CompileResult,
  Run,
  SettledTask,
  StepDuration,
  TaskId,
  TaskResult,
} from "./rows.ts";
