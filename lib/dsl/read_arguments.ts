import { isFlow } from "./is_flow.ts";
import type { StepDefinition } from "./step.ts";

/** Which of the methods that add a step was called. */
export type StepKind = Pick<StepDefinition, "type" | "performedBy">;

/** What the arguments of such a call are, before anything is checked. */
export interface StepArguments {
  /** The step's name. */
  slug: unknown;
  /** The steps it waits for. */
  dependencies: unknown;
  /** The flow that it runs. */
  subflow?: unknown;
  /** What does its work; an approval has none. */
  handler?: unknown;
  /** Its options. */
  options: unknown;
}

/**
 * Tells the forms of a call apart.
 *
 * - `(slug, handler, options?)` and `({ slug, … }, handler)`
 * - `(slug, options?)` of an approval
 * - `(slug, subflow, handler, options?)`
 * - each with the dependencies after the slug: an array of slugs, or the only one of a map
 */
export function readArguments(kind: StepKind, args: readonly unknown[]): StepArguments {
  const [first] = args;
  if (kind.type === "single" && kind.performedBy === "handler" && isObject(first)) {
    const { slug, dependsOn = [], ...options } = first as { slug?: unknown; dependsOn?: unknown };
    return { slug, dependencies: dependsOn, handler: args[1], options };
  }
  const [slug, ...others] = args;
  const named = { slug, dependencies: [] as unknown };
  if (hasDependencies(kind, others)) {
    const given = others.shift();
    named.dependencies = kind.type === "map" ? [given] : given;
  }
  switch (kind.performedBy) {
    case "handler":
      return { ...named, handler: others[0], options: withDefault(others[1]) };
    case "approval":
      return { ...named, options: withDefault(others[0]) };
    case "subflow":
      return {
        ...named,
        subflow: others[0],
        handler: others[1],
        options: withDefault(others[2]),
      };
  }
}

function hasDependencies({ performedBy }: StepKind, [second]: readonly unknown[]): boolean {
  switch (performedBy) {
    case "handler":
      return typeof second !== "function";
    case "approval":
      return Array.isArray(second) || typeof second === "string";
    case "subflow":
      return !isFlow(second);
  }
}

function withDefault(options: unknown): unknown {
  return options === undefined ? {} : options;
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}
