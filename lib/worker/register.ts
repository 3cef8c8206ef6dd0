import { type Db, isMisconfigured } from "../db/mod.ts";
import { type AnyFlow, PgflowError } from "../dsl/mod.ts";
import { compileFlows } from "./compile_flows.ts";
import type { ResolvedOptions } from "./options.ts";

/** A worker whose heart beats is taken for alive for so many beats. */
const BEATS_OF_LEASE = 3;

/** The least for a worker in a process of its own, and the most that the database takes. */
const PROCESS_LEASE_MS = 30_000;
const MAX_LEASE_MS = 300_000;

/** Who registers, and how. */
export interface Registration {
  /** The worker's id. */
  workerId: string;
  /** The flows that it works on. */
  flows: readonly AnyFlow[];
  /** The worker's options. */
  options: Pick<
    ResolvedOptions,
    "functionName" | "heartbeatSeconds" | "deployment" | "env" | "logger"
  >;
  /** Whether one worker of the function is enough. */
  isExclusive: boolean;
}

/**
 * Makes flows and worker known to the database, and resolves with the function's worker: this one,
 * or another if that is at work already.
 */
export async function register(db: Db, registration: Registration): Promise<string> {
  const { flows, isExclusive, options, workerId } = registration;
  const { deployment, functionName, heartbeatSeconds } = options;
  // A handler may keep a process's thread for longer than the platform lets one keep an isolate's.
  const least = isExclusive ? 1 : PROCESS_LEASE_MS;
  const leaseMs = Math.ceil(heartbeatSeconds * BEATS_OF_LEASE * 1000);
  const worker = {
    workerId,
    functionName,
    deployment,
    queueNames: flows.map((flow) => flow.slug),
    leaseMs: Math.min(Math.max(leaseMs, least), MAX_LEASE_MS),
  };
  try {
    // Before anybody is deprecated: a new version that cannot work must not end an old one that can.
    await compileFlows(db, flows, options);
    if (isExclusive) return await db.acquireWorker(worker);
    await db.registerWorker(worker);
    return workerId;
  } catch (error) {
    throw explain(error, functionName);
  }
}

function explain(error: unknown, functionName: string): unknown {
  if (error instanceof PgflowError || !isMisconfigured(error)) return error;
  return new PgflowError(
    `Cannot start worker "${functionName}": ${(error as Error).message}`,
    {
      hint: "Check the database URL, and that the migrations are applied (supabase db push).",
      cause: error,
    },
  );
}
