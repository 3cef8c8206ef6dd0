import type { AnyFlow } from "./types.ts";

/** Seconds that an isolate of the edge runtime lives at most, on the plans that give it most. */
const LONGEST_LIFE = 400;

/**
 * Returns a warning for each step of a flow whose timeout is longer than any isolate of the edge
 * runtime lives: such an attempt can only end well in another Deno process.
 */
export function findLongSteps(flow: AnyFlow): string[] {
  return flow.steps.flatMap(({ slug, performedBy, options }) => {
    const timeout = options.timeout ?? flow.options.timeout ?? 60;
    if (performedBy === "approval" || timeout <= LONGEST_LIFE) return [];
    return `Step "${slug}" of flow "${flow.slug}" has a timeout of ${timeout} s, ` +
      `but no edge function lives longer than ${LONGEST_LIFE} s`;
  });
}
