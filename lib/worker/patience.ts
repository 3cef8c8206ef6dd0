import { PgflowError } from "../errors.ts";
import type { Logger } from "../dsl/mod.ts";

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5000;

/** Decides how long to go on without the database: ever longer pauses, and an end to them. */
export class Patience {
  readonly #giveUpSeconds: number;
  readonly #log: Logger;
  readonly #signal: AbortSignal;
  #failures = 0;
  #failingSince = 0;

  /** Creates patience for so many seconds; the signal ends a pause. */
  constructor(giveUpSeconds: number, log: Logger, signal: AbortSignal) {
    this.#giveUpSeconds = giveUpSeconds;
    this.#log = log;
    this.#signal = signal;
  }

  /** Forgets all failures. */
  succeeded(): void {
    if (this.#failures === 0) return;
    this.#log.info("database is back", { seconds: this.#seconds() });
    this.#failures = 0;
  }

  /** Pauses after a failure, or throws when there were failures only for too long. */
  async failed(error: unknown): Promise<void> {
    if (this.#failures++ === 0) this.#failingSince = performance.now();
    const { message } = error as Error;
    if (this.#seconds() >= this.#giveUpSeconds) {
      throw new PgflowError(`Cannot go on without the database: ${message}`, {
        hint: `It failed ${this.#failures} times in ${this.#seconds()} s; ` +
          "option giveUpSeconds says how long to try.",
        cause: error,
      });
    }
    const longest = Math.min(FIRST_PAUSE_MS * 2 ** (this.#failures - 1), LONGEST_PAUSE_MS);
    // Many workers lose one database at once, and should not come back at once.
    const pause = Math.round(longest * (0.5 + Math.random() / 2));
    this.#log.warn(`database trouble: ${message}`, { retry_in_ms: pause });
    await sleep(pause, this.#signal);
  }

  #seconds(): number {
    return Math.round((performance.now() - this.#failingSince) / 1000);
  }
}

function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener("abort", end);
    function end() {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    }
  });
}
