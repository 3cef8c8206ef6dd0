import type { Socket } from "node:net";
import type postgres from "postgres";
import { fromDriver, isConnectionLost } from "./errors.ts";
import { openSocket } from "./open_socket.ts";

/** Returns a client of the driver that has its socket from `open`. */
export type CreateClient = (open: (host: string, port: number) => Socket) => postgres.Sql;

/** A client and the one socket it may have. */
interface Connection {
  client: postgres.Sql;
  socket?: Socket;
}

/**
 * One connection, opened when needed and replaced when lost; calls on it go out in order and do not
 * wait for each other's answers.
 *
 * The driver's own pool would spread two calls over two connections, or put a call behind a wait.
 */
export class Lane {
  readonly #createClient: CreateClient;
  readonly #closing = new Set<Promise<unknown>>();
  #connection: Connection | undefined;
  #pending = 0;
  #progressAt = 0;

  /** Whether a wait occupies the connection. */
  waiting = false;

  /** How many statements of handlers are on their way. */
  foreign = 0;

  /** Creates a lane that is not connected yet. */
  constructor(createClient: CreateClient) {
    this.#createClient = createClient;
  }

  /** Sends what `query` asks for, before returning, and resolves with its answer. */
  async run<T>(query: (sql: postgres.Sql) => PromiseLike<T>): Promise<T> {
    const connection = this.#connection ??= this.#connect();
    if (this.#pending++ === 0) this.#progressAt = performance.now();
    try {
      return await query(connection.client);
    } catch (error) {
      if (isConnectionLost(error)) this.#discard(connection);
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
    if (this.#connection !== undefined) this.#discard(this.#connection);
  }

  /** Closes the connection when the calls on their way are answered, or after a second. */
  async close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.client.end({ timeout: 1 });
    await Promise.all(this.#closing);
  }

  // Left to itself, the driver carries errors of a lost connection over to the next one, and
  // connects again and again to a server that closes at once: one socket each, then start afresh.
  #connect(): Connection {
    const connection: Connection = {
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
