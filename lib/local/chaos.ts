/** How a functions host kills its isolates at random, for tests of what survives that. */
export interface ChaosOptions {
  /** The same seed gives the same lives, in the order in which isolates boot. */
  seed: number;
  /**
   * Milliseconds that an isolate lives at most, if nothing else ends it; each gets a time of its own
   * between none and this.
   * @default {6_000}
   */
  longestLife?: number;
  /**
   * Called when an isolate of a function was killed.
   * @default {nobody}
   */
  onKill?: (functionName: string) => void;
}

/** Returns a generator of numbers from 0 to below 1 that a seed determines. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
