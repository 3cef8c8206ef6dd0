import type { Socket } from "node:net";
import type postgres from "postgres";
import { fromDriver, isConnectionLost, isReadOnly } from "./errors.ts";
import { openSocket } from "./open_socket.ts";

/** Returns a client of the driver that has its socket from `open`. */
export type CreateClient = (open: (host: string, port: number) => Socket) => postgres.Sql;

/** A client, the one socket it may have, and the calls that wait for an answer. */
interface Connection {
  client: postgres.Sql;
  socket?: Socket;
  /** Rejects each of the calls: the driver can forget one when its socket closes. */
  rejections: Set<(reason: Error) => void>;
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
  #idleTimer: ReturnType<typeof setTimeout> | undefined;

  /** Whether a wait occupies the connection. */
  waiting = false;

  /** How many statements of handlers are on their way. */
  foreign = 0;

  /** Creates a lane that is not connected yet, and disconnects when it is unused for so long. */
  constructor(createClient: CreateClient, idleSeconds: number) {
    this.#createClient = createClient;
    this.#idleMs = idleSeconds * 1000;
  }

  /** Whether a call would find a connection, or one that is being opened. */
  get isConnected(): boolean {
    return this.#connection !== undefined;
  }

  /** Sends what `query` asks for, before returning, and resolves with its answer. */
  async run<T>(query: (sql: postgres.Sql) => PromiseLike<T>): Promise<T> {
    const connection = this.#connection ??= this.#connect();
    if (this.#pending++ === 0) this.#progressAt = performance.now();
    let rejection = (_: Error) => {};
    try {
      return await new Promise<T>((resolve, reject) => {
        rejection = reject;
        connection.rejections.add(rejection);
        query(connection.client).then(resolve, reject);
      });
    } catch (error) {
      if (isConnectionLost(error) || isReadOnly(error)) this.#discard(connection);
      throw fromDriver(error);
    } finally {
      connection.rejections.delete(rejection);
      this.#pending--;
      this.#progressAt = performance.now();
      this.#watchIdle();
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
    this.#retire();
    await Promise.all(this.#closing);
  }

  #retire(): void {
    const connection = this.#connection;
    this.#forget();
    if (connection !== undefined) this.#closeLater(this.#end(connection));
  }

  async #end({ client, socket }: Connection): Promise<void> {
    await client.end({ timeout: 1 });
    // The other side may be gone without a word, and never say goodbye.
    socket?.destroy();
  }

  #forget(): void {
    this.#connection = undefined;
    clearTimeout(this.#idleTimer);
    this.#idleTimer = undefined;
  }

  // The driver's own idle timeout may close the socket under calls that are just being sent. One timer
  // for as long as the lane is connected, not one a call.
  #watchIdle(milliseconds = this.#idleMs): void {
    if (this.#idleTimer !== undefined || this.#connection === undefined) return;
    this.#idleTimer = setTimeout(() => {
      this.#idleTimer = undefined;
      const idleMs = this.#pending > 0 ? 0 : performance.now() - this.#progressAt;
      if (idleMs < this.#idleMs) this.#watchIdle(this.#idleMs - idleMs);
      else this.#retire();
    }, milliseconds);
  }

  // Left to itself, the driver carries errors of a lost connection over to the next one, and
  // connects again and again to a server that closes at once: one socket each, then start afresh.
  #connect(): Connection {
    const connection: Connection = {
      rejections: new Set(),
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
    if (this.#connection === connection) this.#forget();
    for (const reject of connection.rejections) reject(connectionClosed());
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
