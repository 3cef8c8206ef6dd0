import type { AnyFlow } from "./types.ts";

/** Says whether a value is a flow, of this copy of the DSL or of another: not `instanceof`. */
export function isFlow(value: unknown): value is AnyFlow {
  const flow = value as Partial<AnyFlow> | null;
  return typeof flow === "object" && flow !== null && typeof flow.slug === "string" &&
    Array.isArray(flow.steps) && Array.isArray(flow.subflows) && typeof flow.getStep === "function";
}
