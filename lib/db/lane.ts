import type { Socket } from "node:net";
import { setTimeout as setNodeTimeout } from "node:timers";
import type postgres from "postgres";
import { fromDriver, isConnectionLost } from "./errors.ts";
import { openSocket } from "./open_socket.ts";

/** Returns a client of the driver that has its socket from `open`. */
export type CreateClient = (open: (host: string, port: number) => Socket) => postgres.Sql;

/** A client, the one socket it may have, and the end of both. */
interface Connection {
  client: postgres.Sql;
  socket?: Socket;
  /** Rejects when the connection is given up: no call may wait for an answer any longer. */
  lost: Promise<never>;
  lose: (reason: Error) => void;
}

/**
 * One connection, opened when needed and replaced when lost; calls on it go out in order and do not
 * wait for each other's answers.
 *
 * The driver's own pool would spread two calls over two connections, or put a call behind a wait.
 */
export class Lane {
  readonly #createClient: CreateClient;
  readonly #idleMs: number;
  readonly #closing = new Set<Promise<unknown>>();
  #connection: Connection | undefined;
  #pending = 0;
  #progressAt = 0;
  #isIdleWatched = false;

  /** Whether a wait occupies the connection. */
  waiting = false;

  /** How many statements of handlers are on their way. */
  foreign = 0;

  /** Creates a lane that is not connected yet, and disconnects when it is unused for so long. */
  constructor(createClient: CreateClient, idleSeconds: number) {
    this.#createClient = createClient;
    this.#idleMs = idleSeconds * 1000;
  }

  /** Sends what `query` asks for, before returning, and resolves with its answer. */
  async run<T>(query: (sql: postgres.Sql) => PromiseLike<T>): Promise<T> {
    const connection = this.#connection ??= this.#connect();
    if (this.#pending++ === 0) this.#progressAt = performance.now();
    try {
      return await Promise.race([query(connection.client), connection.lost]);
    } catch (error) {
      if (isConnectionLost(error)) this.#discard(connection);
      throw fromDriver(error);
    } finally {
      this.#pending--;
      this.#progressAt = performance.now();
      this.#watchIdle(this.#idleMs);
    }
  }

  /** Returns whether calls have been waiting for an answer, any answer, for longer than this. */
  isStalled(milliseconds: number): boolean {
    return this.#pending > 0 && this.foreign === 0 &&
      performance.now() - this.#progressAt > milliseconds;
  }

  /** Cuts the connection; calls on their way are rejected, later ones open a new connection. */
  cut(): void {
    if (this.#connection !== undefined) this.#discard(this.#connection);
  }

  /** Closes the connection when the calls on their way are answered, or after a second. */
  async close(): Promise<void> {
    await this.#end();
    await Promise.all(this.#closing);
  }

  async #end(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.client.end({ timeout: 1 });
  }

  // The driver's own idle timeout may close the socket under calls that are just being sent. One timer
  // for as long as the lane is connected, not one a call.
  #watchIdle(milliseconds: number): void {
    if (this.#isIdleWatched || this.#connection === undefined) return;
    this.#isIdleWatched = true;
    setNodeTimeout(() => {
      this.#isIdleWatched = false;
      const left = this.#idleMs - (performance.now() - this.#progressAt);
      if (this.#pending > 0 || left > 0) this.#watchIdle(Math.max(left, 1000));
      else this.#closeLater(this.#end());
    }, milliseconds).unref();
  }

  // Left to itself, the driver carries errors of a lost connection over to the next one, and
  // connects again and again to a server that closes at once: one socket each, then start afresh.
  #connect(): Connection {
    const { promise: lost, reject: lose } = Promise.withResolvers<never>();
    lost.catch(() => {});
    const connection: Connection = {
      lost,
      lose,
      client: this.#createClient((host, port) => {
        if (connection.socket !== undefined) throw connectionClosed();
        let hasClosed = () => {};
        this.#closeLater(new Promise<void>((resolve) => hasClosed = resolve));
        connection.socket = openSocket(host, port, {
          onClose: () => this.#discard(connection),
          onClosed: hasClosed,
        });
        return connection.socket;
      }),
    };
    return connection;
  }

  #discard(connection: Connection): void {
    if (this.#connection === connection) this.#connection = undefined;
    connection.lose(connectionClosed());
    this.#closeLater(connection.client.end({ timeout: 0 }).catch(() => {}));
    connection.socket?.destroy();
  }

  #closeLater(closed: Promise<void>): void {
    this.#closing.add(closed);
    closed.then(() => this.#closing.delete(closed));
  }
}

function connectionClosed(): Error {
  return Object.assign(new Error("the server closed the connection"), {
    code: "CONNECTION_CLOSED",
  });
}
