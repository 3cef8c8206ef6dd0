import type postgres from "postgres";
import { fromDriver, isConnectionLost } from "./errors.ts";

/** What a lane wants to know about the connections made for it. */
export interface LaneHooks {
  /** Called before a socket is opened; throws if it should not be. */
  onOpen(): void;
  /** Called when a socket closed. */
  onClose(): void;
}

/**
 * One connection, opened when needed and replaced when lost; calls on it go out in order and do not
 * wait for each other's answers.
 *
 * The driver's own pool would spread two calls over two connections, or put a call behind a wait.
 */
export class Lane {
  readonly #connect: (hooks: LaneHooks) => postgres.Sql;
  #client: postgres.Sql | undefined;
  #pending = 0;
  #progressAt = 0;

  /** Whether a wait occupies the connection. */
  waiting = false;

  /** How many statements of handlers are on their way. */
  foreign = 0;

  /** Creates a lane whose connections are made by `connect`. */
  constructor(connect: (hooks: LaneHooks) => postgres.Sql) {
    this.#connect = connect;
  }

  /** Sends what `query` asks for, before returning, and resolves with its answer. */
  async run<T>(query: (sql: postgres.Sql) => PromiseLike<T>): Promise<T> {
    const client = this.#client ??= this.#createClient();
    if (this.#pending++ === 0) this.#progressAt = performance.now();
    try {
      return await query(client);
    } catch (error) {
      if (isConnectionLost(error)) this.#discard(client);
      throw fromDriver(error);
    } finally {
      this.#pending--;
      this.#progressAt = performance.now();
    }
  }

  /** Returns whether calls have been waiting for an answer, any answer, for longer than this. */
  isStalled(milliseconds: number): boolean {
    return this.#pending > 0 && this.foreign === 0 &&
      performance.now() - this.#progressAt > milliseconds;
  }

  /** Cuts the connection; calls on their way are rejected, later ones open a new connection. */
  cut(): void {
    if (this.#client !== undefined) this.#discard(this.#client);
  }

  /** Closes the connection when the calls on their way are answered, or after a second. */
  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.end({ timeout: 1 });
  }

  // Left to itself, the driver carries errors of a lost connection over to the next one, and
  // connects again and again to a server that closes at once: one socket each, then start afresh.
  #createClient(): postgres.Sql {
    let sockets = 0;
    const client = this.#connect({
      onOpen() {
        if (sockets++ === 0) return;
        throw Object.assign(new Error("the server closed the connection"), {
          code: "CONNECTION_CLOSED",
        });
      },
      onClose: () => this.#discard(client),
    });
    return client;
  }

  #discard(client: postgres.Sql): void {
    if (this.#client === client) this.#client = undefined;
    client.end({ timeout: 0 }).catch(() => {});
  }
}
