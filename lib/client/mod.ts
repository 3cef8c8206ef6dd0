/**
 * Starts and watches runs from a browser or a server, on top of supabase-js.
 *
 * The type of a flow is enough: `import type` leaves its handlers, and what they import, out of a
 * browser's bundle.
 *
 * @example
 * ```ts ignore
 * import { createClient as createSupabase } from "@supabase/supabase-js";
 * import { createClient } from "pgflow/client";
 * import type { AnalyzeWebsite } from "./flows/analyze_website.ts";
 *
 * const pgflow = createClient(createSupabase(url, publishableKey));
 * const run = await pgflow.startFlow<typeof AnalyzeWebsite>("analyze_website", { url: page });
 * const { report } = await run.completed();
 * ```
 *
 * @module
 */
export * from "./approval.ts";
export * from "./client_options.ts";
export * from "./create_client.ts";
export type {
  ListApprovalsOptions,
  ListRunsOptions,
  PgflowClient,
  StartOptions,
} from "./pgflow_client.ts";
export type { Run, WaitOptions } from "./run.ts";
export * from "./run_event.ts";
export * from "./run_state.ts";
export type { AnswerOptions, RunApproval, RunStep } from "./run_step.ts";
export * from "./supabase_like.ts";
export {
  InvalidInputError,
  type InvalidInputIssue,
  PgflowError,
  type PgflowErrorOptions,
  RunFailedError,
  type RunFailure,
} from "../errors.ts";
