import {
  createClient,
  type RealtimeChannel,
  type RealtimeClientOptions,
  type SupabaseClient,
} from "@supabase/supabase-js";
import type { ServedGateway } from "./served_gateway.ts";

/** A client of a gateway that leaves when it is disposed. */
export interface Watcher extends AsyncDisposable {
  supabase: SupabaseClient;
  /** Joins a topic; gives what became of it, and what arrives there. */
  join(topic: string, config?: Record<string, unknown>): Promise<Joined>;
}

/** A topic that was joined, or not. */
export interface Joined {
  status: string;
  error: string | undefined;
  channel: RealtimeChannel;
  /** Resolves with the next message that has not been taken. */
  next(): Promise<{ event: string; payload: Record<string, unknown> }>;
  /** Resolves with the next status. */
  nextStatus(): Promise<string>;
}

/** Makes a client with this key and, if given, a user's token. */
export function watch(
  { gateway }: ServedGateway,
  key: string,
  token?: string,
  realtime: RealtimeClientOptions = {},
): Watcher {
  const supabase = createClient(gateway.url, key, {
    auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
    realtime,
    ...(token && { accessToken: () => Promise.resolve(token) }),
  });
  return {
    supabase,
    async join(topic, config = { private: true }) {
      // Without this a client may join before it knows its token.
      if (token) await supabase.realtime.setAuth();
      const statuses = queue<[string, string | undefined]>();
      const messages = queue<{ event: string; payload: Record<string, unknown> }>();
      const channel = supabase.channel(topic, { config });
      channel.on("broadcast", { event: "*" }, ({ event, payload }) => {
        messages.push({ event, payload });
      });
      channel.subscribe((status, error) => statuses.push([status, error?.message]));
      const [status, error] = await statuses.next();
      const nextStatus = async () => (await statuses.next())[0];
      return { status, error, channel, next: messages.next, nextStatus };
    },
    async [Symbol.asyncDispose]() {
      await supabase.removeAllChannels();
      await supabase.realtime.disconnect();
    },
  };
}

/** Things that come before or after somebody waits for them. */
function queue<Thing>() {
  const things: Thing[] = [];
  const waiting: ((thing: Thing) => void)[] = [];
  return {
    push(thing: Thing) {
      const taker = waiting.shift();
      if (taker) taker(thing);
      else things.push(thing);
    },
    next: () =>
      new Promise<Thing>((resolve) => {
        if (things.length > 0) resolve(things.shift()!);
        else waiting.push(resolve);
      }),
  };
}
