import type { UnloadReason } from "./isolate_messages.ts";

/** What a limit does to an isolate. */
export interface Limited {
  /** Gives it no new requests, and ends it as soon as it has nothing to do. */
  retire(): void;
  /** Tells the function that its end is near. */
  warn(reason: UnloadReason): void;
  /** Ends it because of a limit. */
  exceed(): void;
}

/** Holds an isolate to its wall clock; returns what calls that off. */
export function watchWallClock(isolate: Limited, wallClock: number): () => void {
  const timers = [
    setTimeout(() => isolate.retire(), wallClock * 0.5),
    setTimeout(() => isolate.warn("wall_clock"), wallClock * 0.9),
    setTimeout(() => isolate.exceed(), wallClock),
  ];
  return () => timers.forEach(clearTimeout);
}
