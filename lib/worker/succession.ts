import type { Db } from "../db/mod.ts";
import type { Logger } from "../dsl/mod.ts";
import { platform } from "./platform.ts";
import { secretKeys } from "./secret_keys.ts";

/** How often a successor is called before that is left to the watchdog. */
const MAX_CALLS = 5;

/** Longer than an isolate takes to boot. */
const ANSWER_MS = 10_000;

/** What a worker calls its successor with. */
export interface SuccessionParts {
  /** The database. */
  db: Pick<Db, "drainWorker">;
  /** Who calls. */
  workerId: string;
  /** The edge function of both. */
  functionName: string;
  /** The environment variables: the project's URL and keys. */
  env: Readonly<Record<string, string | undefined>>;
  /** Whether requests go to another isolate, as far as the worker knows. */
  isRetired(): boolean;
  /** Where failures are noted. */
  log: Logger;
  /** Aborted when the caller stops. */
  signal: AbortSignal;
}

/** The way from a worker whose isolate ends to the next one: a request to its own function. */
export class Succession {
  readonly #parts: SuccessionParts;
  #begun: Promise<boolean> | undefined;

  /** Prepares it. */
  constructor(parts: SuccessionParts) {
    this.#parts = parts;
  }

  /** Calls a successor, once, and resolves with whether one takes tasks; if none, call again. */
  begin(): Promise<boolean> {
    if (this.#begun === undefined) {
      this.#begun = this.#call();
      // The worker may be done before the request is.
      platform.waitUntil(this.#begun);
    }
    return this.#begun;
  }

  async #call(): Promise<boolean> {
    const { db, env, functionName, isRetired, log, signal, workerId } = this.#parts;
    const [key] = secretKeys(env);
    if (!env.SUPABASE_URL || key === undefined) {
      log.debug("no successor is called: SUPABASE_URL or the secret key is not set");
      return false;
    }
    // Until the database knows, the successor would find that this worker runs.
    db.drainWorker(workerId, true).catch(() => {});
    const url = `${env.SUPABASE_URL.replace(/\/$/, "")}/functions/v1/${functionName}`;
    for (let calls = 1; calls <= MAX_CALLS; calls++) {
      const problem = await callOnce(url, key, workerId);
      if (problem === undefined) return true;
      log.debug(`successor has not started: ${problem}`, { calls });
      // The request told that there is more time than was thought.
      if (!isRetired()) break;
      await new Promise((resolve) => setTimeout(resolve, 50 * 2 ** calls));
    }
    if (isRetired()) {
      log.warn("no successor could be started; the watchdog will", { function: functionName });
    }
    if (!signal.aborted) db.drainWorker(workerId, false).catch(() => {});
    this.#begun = undefined;
    return false;
  }
}

/** Returns why the function has no other worker than the caller yet, if so. */
async function callOnce(url: string, key: string, workerId: string): Promise<string | undefined> {
  const headers: Record<string, string> = { apikey: key };
  // A legacy key is a JWT, and passes the platform's own check as one.
  if (key.startsWith("ey")) headers.authorization = `Bearer ${key}`;
  try {
    const signal = AbortSignal.timeout(ANSWER_MS);
    const response = await fetch(url, { method: "POST", headers, signal });
    const text = await response.text();
    if (response.status !== 200) return `${response.status} ${text.slice(0, 200)}`;
    const { worker_id } = JSON.parse(text) as { worker_id?: string };
    return worker_id === workerId ? "the request came back to this worker" : undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
