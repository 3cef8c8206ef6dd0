import { PgflowError } from "../errors.ts";
import { ChannelHub } from "./channel_hub.ts";
import type { ResolvedOptions } from "./client_options.ts";
import type { Message, RunSnapshot } from "./rows.ts";
import { callRpc, PassingError } from "./rpc.ts";
import type { RunRecord } from "./run_record.ts";
import type { SupabaseLike } from "./supabase_like.ts";

/** Somebody who waits for something to happen to a run. */
export interface RunListener {
  /** The record says more than before. */
  onNews(): void;
  /** The run cannot be watched; nothing more will be said. */
  onError(error: unknown): void;
}

/** After a look without news, the next one is this much later. */
const BACK_OFF = 1.6;

/**
 * Keeps a record up to date while somebody listens, and does nothing else.
 *
 * Messages come through a channel. The run is read when the channel opens, so that nothing is missed
 * before; when a message says that something was missed; once in a while in silence; and again and
 * again while there is no channel.
 */
export class RunWatch {
  readonly #supabase: SupabaseLike;
  readonly #record: RunRecord;
  readonly #options: ResolvedOptions;
  readonly #active: Set<RunWatch>;
  readonly #listeners = new Set<RunListener>();
  #isWatching = false;
  #closing: ReturnType<typeof setTimeout> | undefined;
  #leave: (() => void) | undefined;
  #isOpen = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pollMs: number;
  /** Aborts the watch's own reading. */
  #reading: AbortController | undefined;
  #readAgain = false;
  /** Snapshots are taken one after the other, so that each is newer than the one before. */
  #lastRead: Promise<unknown> = Promise.resolve();

  /**
   * Creates a watch that does nothing yet.
   *
   * @param active Holds the watch while it does something.
   */
  constructor(
    supabase: SupabaseLike,
    record: RunRecord,
    options: ResolvedOptions,
    active: Set<RunWatch>,
  ) {
    this.#active = active;
    this.#supabase = supabase;
    this.#record = record;
    this.#options = options;
    this.#pollMs = options.pollMs;
  }

  /** Watches until the function it returns is called. */
  listen(listener: RunListener): () => void {
    this.#listeners.add(listener);
    if (!this.#isWatching) this.#start();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0 || !this.#isWatching) return;
      // Whoever waits for one thing after the other keeps the channel.
      this.#closing ??= setTimeout(() => {
        this.#closing = undefined;
        if (this.#listeners.size === 0) this.close();
      });
    };
  }

  /** Reads the run, and tells whoever listens; resolves with whether there are news. */
  read(signal?: AbortSignal, attempts = 3): Promise<boolean> {
    const reading = this.#lastRead.then(async () => {
      for (;;) {
        const snapshot = await readRun(this.#supabase, this.#record.run.id, signal, attempts);
        const came = this.#record.takeSnapshot(snapshot);
        if (came === "news") this.#tell();
        if (came !== "read") return came === "news";
      }
    });
    this.#lastRead = reading.catch(() => {});
    return reading;
  }

  /** Stops at once what the watch does. */
  close(): void {
    this.#isWatching = false;
    this.#active.delete(this);
    this.#leave?.();
    this.#leave = undefined;
    this.#isOpen = false;
    clearTimeout(this.#timer);
    clearTimeout(this.#closing);
    this.#closing = undefined;
    this.#reading?.abort();
    this.#reading = undefined;
    this.#readAgain = false;
  }

  #start(): void {
    this.#isWatching = true;
    this.#active.add(this);
    this.#pollMs = this.#options.pollMs;
    this.#join();
    // Without a channel nothing else leads to the first look.
    if (this.#leave === undefined) this.#readSoon();
    else if (this.#reading === undefined) this.#schedule();
  }

  #join(): void {
    const { channel } = this.#supabase;
    if (!this.#options.realtime || !this.#record.isBroadcast || channel === undefined) return;
    this.#leave ??= ChannelHub.of(this.#supabase).join(`pgflow:run:${this.#record.run.id}`, {
      onOpen: () => {
        this.#isOpen = true;
        this.#readSoon();
      },
      onLost: (isClosed) => {
        this.#isOpen = false;
        if (isClosed) this.#leave = undefined;
        this.#pollMs = this.#options.pollMs;
        this.#schedule();
      },
      onMessage: (message) => this.#take(message),
    });
  }

  #take(message: Message): void {
    const came = this.#record.takeMessage(message);
    if (came === "read") this.#readSoon();
    if (came !== "news") return;
    this.#schedule();
    this.#tell();
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener.onNews();
  }

  /** Looks again after a while: late if all that happens is told by messages, else soon. */
  #schedule(hasFailed = false): void {
    clearTimeout(this.#timer);
    if (!this.#isWatching) return;
    const { quietMs, random } = this.#options;
    // Watchers that lost their channels together should not come together.
    const ms = (this.#isOpen && !hasFailed ? quietMs : this.#pollMs) * (0.8 + 0.4 * random());
    this.#timer = setTimeout(() => {
      this.#join();
      this.#readSoon();
    }, ms);
  }

  #readSoon(): void {
    if (!this.#isWatching) return;
    if (this.#reading === undefined) this.#readNow();
    else this.#readAgain = true;
  }

  async #readNow(): Promise<void> {
    const reading = new AbortController();
    const { signal } = reading;
    this.#reading = reading;
    clearTimeout(this.#timer);
    let hasNews = false;
    let hasFailed = false;
    try {
      hasNews = await this.read(signal, 1);
    } catch (error) {
      hasFailed = true;
      if (!signal.aborted && !(error instanceof PassingError)) this.#fail(error);
    }
    if (signal.aborted) return;
    this.#reading = undefined;
    this.#pollMs = hasNews
      ? this.#options.pollMs
      : Math.min(this.#pollMs * BACK_OFF, this.#options.maxPollMs);
    if (!this.#readAgain) return this.#schedule(hasFailed);
    this.#readAgain = false;
    this.#readNow();
  }

  #fail(error: unknown): void {
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    this.close();
    for (const listener of listeners) listener.onError(error);
  }
}

/** Reads a run. */
export async function readRun(
  supabase: SupabaseLike,
  runId: string,
  signal: AbortSignal | undefined,
  attempts = 1,
): Promise<RunSnapshot> {
  const answer = await callRpc(supabase, "get_run", { run_id: runId }, { signal, attempts });
  if (answer !== null) return answer as RunSnapshot;
  throw new PgflowError(`Cannot read run "${runId}": it does not exist`, {
    code: "PF005",
    hint: "It may have been pruned, or belong to somebody else",
  });
}
