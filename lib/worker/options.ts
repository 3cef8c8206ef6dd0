import type { Logger } from "../dsl/mod.ts";
import { PgflowError } from "../errors.ts";
import { createLogger } from "./logger.ts";

/** What may be said about a worker; everything has a default. */
export interface WorkerOptions {
  /**
   * How many handlers run at once.
   * @default {10}
   */
  maxConcurrent?: number;
  /**
   * How many database connections are open at once: one while idle, the second while busy. With
   * one, a result may wait a second until it is reported.
   * @default {2}
   */
  maxPgConnections?: number;
  /**
   * Seconds that one call waits for work in the database.
   * @default {5}
   */
  pollSeconds?: number;
  /**
   * Milliseconds between two looks for work during such a call. Each costs the database about
   * 0.2 ms of CPU, waking and all, so that 20 idle workers take a tenth of a core.
   * @default {35}
   */
  pollIntervalMs?: number;
  /**
   * Seconds without work after which the worker ends; `Infinity` for never.
   * @default {30, and Infinity in runWorker}
   */
  idleSeconds?: number;
  /**
   * Seconds between two signs of life, whatever the handlers do.
   * @default {5}
   */
  heartbeatSeconds?: number;
  /**
   * Seconds without the database after which the worker gives up.
   * @default {60}
   */
  giveUpSeconds?: number;
  /**
   * Seconds from the start of the isolate to its end: 150 on the free plan, 400 on the paid ones. A
   * task that needs more than is left is left to the worker's successor.
   * @default {PGFLOW_WALL_CLOCK_SECONDS; else 150 until it lives longer, on the edge}
   */
  wallClockSeconds?: number;
  /**
   * The version of the function's code: a worker of a newer one deprecates those of older ones.
   * @default {DENO_DEPLOYMENT_ID, which the hosted platform sets}
   */
  deployment?: string;
  /**
   * Bytes of JSON that an output may have.
   * @default {20_000_000}
   */
  maxOutputBytes?: number;
  /**
   * Where the database is.
   * @default {PGFLOW_DB_URL, else SUPABASE_DB_URL}
   */
  databaseUrl?: string;
  /**
   * The edge function's name, by which the worker is registered.
   * @default {SUPABASE_FUNCTION_SLUG, else the first flow's slug}
   */
  functionName?: string;
  /**
   * Where lines of log go.
   * @default {the console; see PGFLOW_LOG_LEVEL and PGFLOW_LOG_FORMAT}
   */
  logger?: Logger;
  /** Stops the worker when aborted. */
  signal?: AbortSignal;
}

/** Those that may stay open. */
type Optional = "signal" | "wallClockSeconds" | "deployment";

/** {@linkcode WorkerOptions} with every default in place. */
export type ResolvedOptions =
  & Required<Omit<WorkerOptions, Optional>>
  & {
    [Name in Optional]: WorkerOptions[Name] | undefined;
  }
  & {
    env: Readonly<Record<string, string | undefined>>;
  };

/** The least of each number and whether it must be whole. */
const NUMBERS = {
  maxConcurrent: { least: 1, whole: true },
  maxPgConnections: { least: 1, whole: true },
  pollSeconds: { least: 1, whole: true },
  pollIntervalMs: { least: 1, whole: true },
  idleSeconds: { least: 0, whole: false },
  heartbeatSeconds: { least: 0.01, whole: false },
  giveUpSeconds: { least: 0, whole: false },
  wallClockSeconds: { least: 0.01, whole: false },
  maxOutputBytes: { least: 1, whole: false },
} as const;

/** Throws a RangeError if a number among the options cannot be used. */
export function checkOptions(options: WorkerOptions): void {
  for (const [name, { least, whole }] of Object.entries(NUMBERS)) {
    const value = options[name as keyof typeof NUMBERS];
    if (value === undefined) continue;
    if (!(value >= least) || (whole && !Number.isSafeInteger(value))) {
      const kind = whole ? "a whole number" : "a number";
      throw new RangeError(`Cannot use option ${name} "${value}": it is not ${kind} from ${least}`);
    }
  }
}

/** Fills in the defaults, from the environment where it says something. */
export function resolveOptions(
  options: WorkerOptions,
  flowSlug: string,
  env: Record<string, string | undefined>,
): ResolvedOptions {
  const databaseUrl = options.databaseUrl ?? (env.PGFLOW_DB_URL || env.SUPABASE_DB_URL);
  if (!databaseUrl) {
    throw new PgflowError(`Cannot start worker of flow "${flowSlug}": it has no database URL`, {
      hint: "Set PGFLOW_DB_URL; on Supabase, SUPABASE_DB_URL is set by the platform.",
    });
  }
  return {
    maxConcurrent: 10,
    maxPgConnections: 2,
    pollSeconds: 5,
    pollIntervalMs: 35,
    idleSeconds: 30,
    heartbeatSeconds: 5,
    giveUpSeconds: 60,
    maxOutputBytes: 20_000_000,
    functionName: env.SUPABASE_FUNCTION_SLUG ?? flowSlug,
    logger: options.logger ?? createLogger(env),
    ...options,
    databaseUrl,
    wallClockSeconds: options.wallClockSeconds ?? secondsOf(env.PGFLOW_WALL_CLOCK_SECONDS),
    deployment: options.deployment ?? (env.DENO_DEPLOYMENT_ID || undefined),
    signal: options.signal,
    env,
  };
}

/** What is no number of seconds counts as not said. */
function secondsOf(text: string | undefined): number | undefined {
  const seconds = Number(text);
  return text !== undefined && seconds > 0 ? seconds : undefined;
}
