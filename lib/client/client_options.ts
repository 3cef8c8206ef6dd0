/**
 * The options of the client.
 *
 * @module
 */

/** How runs are watched. */
export interface ClientOptions {
  /**
   * Whether to listen to Realtime; if not, or while it is away, runs are read again and again.
   * @default {true}
   */
  readonly realtime?: boolean;
  /**
   * Milliseconds between two readings of a run without Realtime, right after something happened.
   * @default {500}
   */
  readonly pollMs?: number;
  /**
   * Milliseconds between two readings of a run without Realtime, when nothing has happened for long.
   * @default {10_000}
   */
  readonly maxPollMs?: number;
  /**
   * Milliseconds without an event after which a run is read all the same, since events can be lost.
   * @default {30_000}
   */
  readonly quietMs?: number;
}

/** Options, and what tests replace. */
export interface ResolvedOptions extends Required<ClientOptions> {
  /** A number from 0 up to 1. */
  random(): number;
}

/** Returns the options with their defaults. */
export function resolveOptions(options: ClientOptions): ResolvedOptions {
  return {
    realtime: true,
    pollMs: 500,
    maxPollMs: 10_000,
    quietMs: 30_000,
    random: Math.random,
    ...options,
  };
}
