import type { AnyFlow } from "./types.ts";

/**
 * Returns some flows and all that their runs start: the flows of subflow steps, however deep, and
 * the hooks for failures. Each comes once, after those that it starts.
 *
 * A worker works on all of them, so that one function serves a flow together with its subflows; it
 * does no harm when a subflow has a function of its own as well.
 */
export function hostedFlows(flows: AnyFlow | readonly AnyFlow[]): AnyFlow[] {
  const found = new Map<string, AnyFlow>();
  for (const flow of [flows].flat() as AnyFlow[]) {
    for (const started of [...flow.subflows, flow].flatMap(withHook)) {
      const other = found.get(started.slug) ?? started;
      if (other !== started) {
        throw new TypeError(`Cannot host flow "${started.slug}": there are two with this slug`);
      }
      found.set(started.slug, started);
    }
  }
  return [...found.values()];
}

function withHook(flow: AnyFlow): AnyFlow[] {
  return flow.failureFlow === undefined ? [flow] : [flow.failureFlow, flow];
}
