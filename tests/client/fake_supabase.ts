import type { Message } from "../../lib/client/rows.ts";
import type { RpcAnswer, SupabaseLike } from "../../lib/client/supabase_like.ts";
import { FakeRun, type FakeStep } from "./fake_run.ts";

/** How a {@linkcode FakeSupabase} behaves; by default as one would wish. */
export interface Weather {
  /** Whether channels can be joined. */
  realtime?: boolean;
  /** Delivers a message, now, later, twice or never. */
  deliver?: (deliver: () => void) => void;
  /** Waits before the run is read, and again before the answer arrives. */
  pause?: () => Promise<void>;
}

type StatusCallback = (status: string) => void;

/** One run behind the interface of supabase-js. */
export class FakeSupabase implements SupabaseLike {
  readonly run: FakeRun;
  readonly weather: Weather;
  /** The calls, in order. */
  readonly calls: [name: string, args: Record<string, unknown>][] = [];
  /** Channels that are open now. */
  readonly channels = new Set<object>();
  /** Answers instead of the run, one call each. */
  readonly answers: RpcAnswer[] = [];
  /** Called when `get_run` looks at the state. */
  onRead: () => void = () => {};
  #listeners = new Map<object, { message?: (message: Message) => void; status?: StatusCallback }>();

  constructor(steps: FakeStep[], weather: Weather = {}) {
    this.weather = weather;
    this.run = new FakeRun(steps, (message) => this.send(message));
  }

  get reads(): number {
    return this.calls.filter(([name]) => name === "get_run").length;
  }

  rpc = (name: string, args: Record<string, unknown> = {}) => {
    const call = async (signal?: AbortSignal): Promise<RpcAnswer> => {
      this.calls.push([name, args]);
      await this.weather.pause?.();
      if (signal?.aborted) return failure(0, "AbortError: signal is aborted");
      const answer = this.answers.shift() ?? this.#answer(name, args);
      await this.weather.pause?.();
      return answer;
    };
    let begun: Promise<RpcAnswer> | undefined;
    const then: PromiseLike<RpcAnswer>["then"] = (...callbacks) =>
      (begun ??= call()).then(...callbacks);
    return { then, abortSignal: (signal: AbortSignal) => call(signal) };
  };

  channel = (topic: string, options: { config: { private: boolean } }) => {
    if (topic !== `pgflow:run:${this.run.id}` || !options.config.private) throw new Error(topic);
    const channel = {
      on: (_type: string, _filter: object, callback: (message: { payload: Message }) => void) => {
        this.#listeners.set(channel, {
          ...this.#listeners.get(channel),
          message: (payload) => callback({ payload }),
        });
        return channel;
      },
      subscribe: (callback: StatusCallback) => {
        this.#listeners.set(channel, { ...this.#listeners.get(channel), status: callback });
        queueMicrotask(() => this.#join(channel));
        return channel;
      },
    };
    this.channels.add(channel);
    return channel;
  };

  removeChannel = (channel: object) => {
    this.channels.delete(channel);
    this.#listeners.get(channel)?.status?.("CLOSED");
    this.#listeners.delete(channel);
    return Promise.resolve("ok");
  };

  /** Delivers a message to all who listen, as the weather will have it. */
  send(message: Message): void {
    for (const [channel, { message: listener }] of this.#listeners) {
      const deliver = () => this.#joined.has(channel) && listener?.(message);
      if (this.weather.deliver) this.weather.deliver(deliver);
      else queueMicrotask(deliver);
    }
  }

  /** Loses the connection, and joins again at once or when `reconnect` is called. */
  disconnect(status = "CHANNEL_ERROR"): void {
    this.#joined.clear();
    for (const { status: listener } of [...this.#listeners.values()]) listener?.(status);
  }

  reconnect(): void {
    for (const channel of this.channels) this.#join(channel);
  }

  readonly #joined = new Set<object>();

  #join(channel: object): void {
    if (!this.channels.has(channel)) return;
    if (this.weather.realtime === false) {
      this.#listeners.get(channel)?.status?.("CHANNEL_ERROR");
      return;
    }
    this.#joined.add(channel);
    this.#listeners.get(channel)?.status?.("SUBSCRIBED");
  }

  #answer(name: string, args: Record<string, unknown>): RpcAnswer {
    switch (name) {
      case "start_flow":
        return success(this.run.snapshot().run);
      case "get_run":
        this.onRead();
        return success(this.run.snapshot());
      case "cancel_run":
        this.run.cancel();
        return success(this.run.snapshot().run);
      case "retry_run":
        this.run.retry();
        return success(this.run.snapshot().run);
      case "complete_step":
        this.run.advance(args["step_slug"] as string, args["output"]);
        return success({});
      default:
        return success([]);
    }
  }
}

export function success(data: unknown): RpcAnswer {
  return { data, error: null, status: 200 };
}

export function failure(status: number, message: string, code = ""): RpcAnswer {
  return { data: null, error: { message, code, hint: null }, status };
}
