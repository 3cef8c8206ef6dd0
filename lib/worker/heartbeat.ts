import type { Attempt, Db } from "../db/mod.ts";
import type { Logger } from "../dsl/mod.ts";

/** Longer than any call of a worker's should take; a wait is cut into shorter ones. */
const STALLED_MS = 30_000;

/** How often each worker looks for what is stalled or due anywhere, as the watchdog does. */
const LOOK_MS = 30_000;

/** What a heartbeat needs. */
export interface HeartbeatParts {
  /** The database. */
  db: Pick<Db, "heartbeatWorker" | "closedAttempts" | "ensureWorkers" | "cutStalled">;
  /** Whose heart beats. */
  workerId: string;
  /** Seconds between two beats. */
  seconds: number;
  /** Where failures are noted. */
  log: Logger;
  /** Returns the attempts that are running. */
  attempts(): Attempt[];
  /** Called with those whose results nobody wants any more. */
  onClosed(attempts: readonly Attempt[]): void;
  /** Called when the database says that the worker should stop. */
  onStop(): void;
}

/** Says in the database that the worker lives, until the returned function is called. */
export function startHeartbeat(parts: HeartbeatParts): () => void {
  let isBeating = false;
  // Not all workers at once.
  let lookAt = performance.now() + LOOK_MS * Math.random();
  const { db, workerId, log } = parts;
  const timer = setInterval(async () => {
    // A connection can die without a word from the network.
    db.cutStalled(STALLED_MS);
    if (isBeating) return;
    isBeating = true;
    try {
      const attempts = parts.attempts();
      const isLookDue = performance.now() >= lookAt;
      if (isLookDue) lookAt = performance.now() + LOOK_MS;
      const [shouldStop, closed] = await Promise.all([
        db.heartbeatWorker(workerId),
        attempts.length > 0 ? db.closedAttempts(attempts) : [],
        isLookDue ? db.ensureWorkers() : undefined,
      ]);
      if (closed.length > 0) parts.onClosed(closed);
      if (shouldStop) parts.onStop();
    } catch (error) {
      log.debug(`heartbeat failed: ${(error as Error).message}`);
    } finally {
      isBeating = false;
    }
  }, parts.seconds * 1000);
  return () => clearInterval(timer);
}
