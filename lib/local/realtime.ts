import postgres from "postgres";
import { authenticate } from "./authenticate.ts";
import type { ProjectKeys } from "./keys.ts";
import { startFeed, type StoredMessage, storedSince } from "./realtime_feed.ts";
import { rightsOn } from "./realtime_policy.ts";
import { type Broadcast, RealtimeSocket } from "./realtime_socket.ts";
import { RestError } from "./rest_error.ts";

/** What {@linkcode Realtime} serves. */
export interface RealtimeOptions {
  /** The connection string of a superuser: Realtime reads all messages, and acts in any role. */
  databaseUrl: string;
  keys: ProjectKeys;
}

/**
 * The part of Supabase Realtime that passes broadcasts on: between clients, and from what is stored
 * in realtime.messages. It connects to the database when the first client comes.
 */
export class Realtime implements AsyncDisposable {
  readonly #keys: ProjectKeys;
  readonly #sql: postgres.Sql;
  readonly #sockets = new Set<RealtimeSocket>();
  #feed: Promise<AsyncDisposable> | undefined;

  constructor({ databaseUrl, keys }: RealtimeOptions) {
    this.#keys = keys;
    this.#sql = postgres(databaseUrl, { max: 4, idle_timeout: 20, onnotice: () => {} });
  }

  /** Answers a request to `/realtime/v1/websocket`. */
  async connect(request: Request): Promise<Response> {
    if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
      return new RestError(426, { code: "426", message: "Upgrade required" }).toResponse();
    }
    const { searchParams } = new URL(request.url);
    const version = searchParams.get("vsn") ?? "1.0.0";
    if (version !== "1.0.0" && version !== "2.0.0") {
      return new RestError(400, { code: "400", message: `Unknown vsn: ${version}` }).toResponse();
    }
    try {
      await authenticate(request, this.#keys);
    } catch (error) {
      if (error instanceof RestError) return error.toResponse();
      throw error;
    }
    const key = searchParams.get("apikey") ?? request.headers.get("apikey")!;
    const { socket, response } = Deno.upgradeWebSocket(request);
    const connection = new RealtimeSocket(socket, version, key, {
      keys: this.#keys,
      ready: () => this.#startFeed(),
      rightsOn: (caller, topic) => rightsOn(this.#sql, caller, topic),
      storedSince: async (replay) => {
        const messages = await storedSince(this.#sql, replay);
        return messages.map((message) => asBroadcast(message, { replayed: true }));
      },
      publish: (message, from) => this.#publish(message, from),
    });
    this.#sockets.add(connection);
    socket.addEventListener("close", () => this.#sockets.delete(connection));
    return response;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closeAll("the server stops");
    const feed = await this.#feed?.catch(() => undefined);
    await feed?.[Symbol.asyncDispose]();
    await this.#sql.end({ timeout: 1 });
  }

  #startFeed(): Promise<AsyncDisposable> {
    this.#feed ??= startFeed(this.#sql, {
      onMessage: (message) => this.#publish(asBroadcast(message)),
      // Who comes back joins anew, and knows that something may be missing.
      onGap: () => this.#closeAll("messages may be missing"),
    }).catch((error) => {
      this.#feed = undefined;
      throw error;
    });
    return this.#feed;
  }

  #publish(message: Broadcast, from?: RealtimeSocket): void {
    for (const socket of this.#sockets) socket.deliver(message, socket === from);
  }

  #closeAll(reason: string): void {
    for (const socket of this.#sockets) socket.close(reason);
  }
}

function asBroadcast(
  { id, topic, event, payload, isPrivate }: StoredMessage,
  meta: Record<string, unknown> = {},
): Broadcast {
  return {
    topic,
    isPrivate,
    payload: { type: "broadcast", event, payload, meta: { id, ...meta } },
  };
}
