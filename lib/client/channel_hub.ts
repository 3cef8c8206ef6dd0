import type { Message } from "./rows.ts";
import type { ChannelLike, SupabaseLike } from "./supabase_like.ts";

/** What somebody who joined a channel is told. */
export interface ChannelListener {
  /** The channel delivers from now on; called again after each reconnect. */
  onOpen(): void;
  /** Something may be lost from now on; a channel that is closed does not open again. */
  onLost(isClosed: boolean): void;
  /** Something was delivered. */
  onMessage(message: Message): void;
}

/**
 * The channels of one client of supabase-js, which has one per topic however many listen to it.
 *
 * A channel that was left is closed before the next one of its topic is opened.
 */
export class ChannelHub {
  static readonly #hubs = new WeakMap<SupabaseLike, ChannelHub>();

  readonly #supabase: SupabaseLike;
  readonly #topics = new Map<string, Topic>();
  readonly #leaving = new Map<string, Promise<unknown>>();

  private constructor(supabase: SupabaseLike) {
    this.#supabase = supabase;
  }

  /** Returns the hub of a client. */
  static of(supabase: SupabaseLike): ChannelHub {
    const hub = this.#hubs.get(supabase) ?? new ChannelHub(supabase);
    this.#hubs.set(supabase, hub);
    return hub;
  }

  /** Resolves when all channels that nobody listens to are closed. */
  async left(): Promise<void> {
    await Promise.all(this.#leaving.values());
  }

  /** Listens to a private topic until the function it returns is called. */
  join(name: string, listener: ChannelListener): () => void {
    const topic = this.#topics.get(name) ?? this.#open(name);
    topic.listeners.add(listener);
    if (topic.isOpen) listener.onOpen();
    return () => {
      if (topic.listeners.delete(listener) && topic.listeners.size === 0) this.#close(name, topic);
    };
  }

  #open(name: string): Topic {
    const topic: Topic = { listeners: new Set(), isOpen: false, channel: undefined };
    this.#topics.set(name, topic);
    const subscribe = () => {
      // It may have been left, and joined anew, in the meantime.
      if (this.#topics.get(name) === topic) this.#subscribe(name, topic);
    };
    const leaving = this.#leaving.get(name);
    if (leaving === undefined) subscribe();
    else leaving.then(subscribe);
    return topic;
  }

  #subscribe(name: string, topic: Topic): void {
    const channel = this.#supabase.channel!(name, { config: { private: true } });
    topic.channel = channel;
    channel.on("broadcast", { event: "*" }, ({ payload }: { payload: Message }) => {
      for (const listener of [...topic.listeners]) listener.onMessage(payload);
    });
    channel.subscribe((status) => {
      if (topic.channel !== channel) return;
      topic.isOpen = status === "SUBSCRIBED";
      // supabase-js joins again by itself after anything but this.
      if (status === "CLOSED") this.#close(name, topic);
      for (const listener of [...topic.listeners]) {
        if (topic.isOpen) listener.onOpen();
        else listener.onLost(status === "CLOSED");
      }
    });
  }

  #close(name: string, topic: Topic): void {
    if (this.#topics.get(name) !== topic) return;
    this.#topics.delete(name);
    const { channel } = topic;
    topic.channel = undefined;
    if (channel === undefined) return;
    const leaving = Promise.resolve(this.#supabase.removeChannel?.(channel))
      .catch(() => {})
      .finally(() => {
        if (this.#leaving.get(name) === leaving) this.#leaving.delete(name);
      });
    this.#leaving.set(name, leaving);
  }
}

/** What is known about a topic. */
interface Topic {
  listeners: Set<ChannelListener>;
  isOpen: boolean;
  channel: ChannelLike | undefined;
}
