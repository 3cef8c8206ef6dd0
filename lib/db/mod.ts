/**
 * The database as the worker sees it: a method per SQL function, rows in camelCase, errors with
 * codes. All SQL text in TypeScript is in this folder.
 *
 * @module
 */
export * from "./connect.ts";
export {
  Db,
  JsonParameter,
  type PollArguments,
  type RegisterArguments,
  type StartFlowArguments,
  type WaitArguments,
} from "./db.ts";
export * from "./errors.ts";
export * from "./rows.ts";
