import { type Caller, callerOf } from "./authenticate.ts";
import type { ProjectKeys } from "./keys.ts";
import {
  decodeFrame,
  encodeFrame,
  type RealtimeFrame,
  type RealtimeVersion,
} from "./realtime_frames.ts";
import type { TopicRights } from "./realtime_policy.ts";

/** What a connection needs of the server. */
export interface SocketContext {
  keys: ProjectKeys;
  /** Resolves when no message that is stored from then on can be missed. */
  ready(): Promise<unknown>;
  /** Asks what the caller may do with a private topic. */
  rightsOn(caller: Caller, topic: string): Promise<TopicRights>;
  /** Looks up what was stored for a private topic since then. */
  storedSince(replay: { topic: string; since: number; limit: number }): Promise<Broadcast[]>;
  /** Hands a client's message to all who joined its topic. */
  publish(message: Broadcast, from: RealtimeSocket): void;
}

/** A message on its way to those who joined its topic. */
export interface Broadcast {
  topic: string;
  isPrivate: boolean;
  payload: Record<string, unknown>;
}

interface Channel {
  joinRef: string | null;
  topic: string;
  isPrivate: boolean;
  mayWrite: boolean;
  /** Whether its own messages come back, and whether they are answered. */
  self: boolean;
  ack: boolean;
  expiry: ReturnType<typeof setTimeout> | undefined;
}

interface JoinPayload {
  access_token?: string | null;
  config?: {
    private?: boolean;
    broadcast?: { self?: boolean; ack?: boolean; replay?: { since: number; limit?: number } };
    presence?: { enabled?: boolean };
    postgres_changes?: unknown[];
  };
}

const PREFIX = "realtime:";
const LONGEST_TIMER = 2 ** 31 - 1;

/** One client's connection: the topics it joined, and its messages, taken one after another. */
export class RealtimeSocket {
  readonly #socket: WebSocket;
  readonly #version: RealtimeVersion;
  readonly #key: string;
  readonly #context: SocketContext;
  readonly #channels = new Map<string, Channel>();
  #last = Promise.resolve();

  /** @param key The project key it connected with, which stands for a token that is missing. */
  constructor(socket: WebSocket, version: RealtimeVersion, key: string, context: SocketContext) {
    this.#socket = socket;
    this.#version = version;
    this.#key = key;
    this.#context = context;
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", ({ data }) => {
      const frame = decodeFrame(data, version);
      if (frame === undefined) return;
      this.#last = this.#last.then(() => this.#take(frame)).catch((error) => {
        this.#reply(frame, "error", { reason: (error as Error).message });
      });
    });
    socket.addEventListener("close", () => {
      for (const topic of this.#channels.keys()) this.#forget(topic);
    });
  }

  /** Passes a message on, if its topic was joined. */
  deliver({ topic, isPrivate, payload }: Broadcast, isOwn = false): void {
    const channel = this.#channels.get(PREFIX + topic);
    if (channel?.isPrivate !== isPrivate || isOwn && !channel.self) return;
    this.#send({ joinRef: null, ref: null, topic: PREFIX + topic, event: "broadcast", payload });
  }

  /** Ends the connection; a client comes back by itself. */
  close(reason: string): void {
    this.#socket.close(1001, reason);
  }

  async #take(frame: RealtimeFrame): Promise<void> {
    if (frame.topic === "phoenix") return this.#reply(frame, "ok", {});
    if (frame.event === "phx_join") return await this.#join(frame);
    const channel = this.#channels.get(frame.topic);
    if (channel === undefined) return this.#reply(frame, "error", { reason: "unmatched topic" });
    if (frame.event === "phx_leave") {
      this.#forget(frame.topic);
      this.#reply(frame, "ok", {});
      this.#send({ ...frame, event: "phx_close", payload: {} });
    } else if (frame.event === "access_token") {
      await this.#refresh(channel, frame);
    } else if (frame.event === "broadcast") {
      this.#publish(channel, frame);
    } else {
      this.#reply(frame, "error", { reason: `the local gateway knows no ${frame.event}` });
    }
  }

  async #join(frame: RealtimeFrame): Promise<void> {
    const { access_token, config = {} } = frame.payload as JoinPayload;
    const topic = frame.topic.slice(PREFIX.length);
    if (!frame.topic.startsWith(PREFIX) || topic === "") throw new Error("TopicNameRequired");
    if ((config.postgres_changes ?? []).length > 0) {
      throw new Error("the local gateway has broadcasts only, no postgres_changes");
    }
    const channel: Channel = {
      joinRef: frame.joinRef ?? frame.ref,
      topic,
      isPrivate: config.private ?? false,
      mayWrite: true,
      self: config.broadcast?.self ?? false,
      ack: config.broadcast?.ack ?? false,
      expiry: undefined,
    };
    await this.#context.ready();
    await this.#authorize(channel, access_token ?? this.#key);
    this.#forget(frame.topic);
    this.#channels.set(frame.topic, channel);
    this.#reply(frame, "ok", { postgres_changes: [] });
    const { replay } = config.broadcast ?? {};
    if (replay !== undefined && channel.isPrivate) {
      const { since, limit = 25 } = replay;
      for (const message of await this.#context.storedSince({ topic, since, limit })) {
        this.deliver(message);
      }
    }
    if (config.presence?.enabled) {
      this.#send({ ...frame, ref: null, event: "presence_state", payload: {} });
    }
  }

  /** Throws if the token is not valid, or its bearer may not read the topic. */
  async #authorize(channel: Channel, token: string): Promise<void> {
    const caller = await callerOf(token, this.#context.keys);
    if (channel.isPrivate) {
      const { read, write } = await this.#context.rightsOn(caller, channel.topic);
      if (!read) {
        throw new Error(
          "Unauthorized: You do not have permissions to read from this Channel topic: " +
            channel.topic,
        );
      }
      channel.mayWrite = write;
    }
    clearTimeout(channel.expiry);
    const left = (caller.claims.exp ?? Infinity) * 1000 - Date.now();
    if (left > LONGEST_TIMER) return;
    channel.expiry = setTimeout(() => this.#expel(channel, "Token has expired"), left);
    Deno.unrefTimer(channel.expiry as unknown as number);
  }

  async #refresh(channel: Channel, { payload }: RealtimeFrame): Promise<void> {
    const { access_token } = payload as JoinPayload;
    if (!access_token) return;
    try {
      await this.#authorize(channel, access_token);
    } catch (error) {
      this.#expel(channel, (error as Error).message);
    }
  }

  #publish(channel: Channel, frame: RealtimeFrame): void {
    if (channel.mayWrite) {
      const { topic, isPrivate } = channel;
      this.#context.publish({ topic, isPrivate, payload: frame.payload }, this);
    }
    if (!channel.ack) return;
    if (channel.mayWrite) this.#reply(frame, "ok", {});
    else this.#reply(frame, "error", { reason: "Unauthorized" });
  }

  #expel(channel: Channel, message: string): void {
    const topic = PREFIX + channel.topic;
    const frame = { joinRef: channel.joinRef, ref: null, topic };
    const payload = { extension: "system", status: "error", channel: channel.topic, message };
    this.#forget(topic);
    this.#send({ ...frame, event: "system", payload });
    this.#send({ ...frame, event: "phx_close", payload: {} });
  }

  #forget(topic: string): void {
    clearTimeout(this.#channels.get(topic)?.expiry);
    this.#channels.delete(topic);
  }

  #reply(frame: RealtimeFrame, status: "ok" | "error", response: Record<string, unknown>): void {
    this.#send({ ...frame, event: "phx_reply", payload: { status, response } });
  }

  #send(frame: RealtimeFrame): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    this.#socket.send(encodeFrame(frame, this.#version));
  }
}
