import type { Db } from "../db/mod.ts";
import type { Logger } from "../dsl/mod.ts";

/** Longer than any call of a worker's should take; a wait is cut into shorter ones. */
const STALLED_MS = 30_000;

/** What a heartbeat needs. */
export interface HeartbeatParts {
  /** The database. */
  db: Pick<Db, "heartbeatWorker" | "cutStalled">;
  /** Whose heart beats. */
  workerId: string;
  /** Seconds between two beats. */
  seconds: number;
  /** Where failures are noted. */
  log: Logger;
  /** Called when the database says that the worker should stop. */
  onStop(): void;
}

/** Says in the database that the worker lives, until the returned function is called. */
export function startHeartbeat(parts: HeartbeatParts): () => void {
  let isBeating = false;
  const timer = setInterval(async () => {
    // A connection can die without a word from the network.
    parts.db.cutStalled(STALLED_MS);
    if (isBeating) return;
    isBeating = true;
    try {
      if (await parts.db.heartbeatWorker(parts.workerId)) parts.onStop();
    } catch (error) {
      parts.log.debug(`heartbeat failed: ${(error as Error).message}`);
    } finally {
      isBeating = false;
    }
  }, parts.seconds * 1000);
  return () => clearInterval(timer);
}
