import { setImmediate } from "node:timers";

/** Resolves in the event loop's next turn, when all that can go on by itself has done so. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
