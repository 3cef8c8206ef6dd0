/**
 * Works on flows: claims tasks, calls their handlers, reports what they return.
 *
 * {@linkcode flowWorker} makes an edge function of a flow; {@linkcode runWorker} works in any Deno
 * process.
 *
 * @module
 */
export * from "./flow_worker.ts";
export type { WorkerState } from "./lifecycle.ts";
export type { WorkerOptions } from "./options.ts";
export * from "./run_worker.ts";
export type { RunningWorker } from "./running_worker.ts";
