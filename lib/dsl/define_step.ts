import { checkOptions, stepOptions } from "./check_options.ts";
import { checkSlug } from "./check_slug.ts";
import type { StepDefinition, StepHandler } from "./step.ts";
import type { StepOptions } from "./step_options.ts";
import type { AnyFlow } from "./types.ts";

const MAX_LENGTH = 128;

/**
 * Returns the step that the arguments of `Flow.step` or `Flow.map` describe, or throws and says why
 * it cannot be added.
 */
export function defineStep(
  flow: AnyFlow,
  type: "single" | "map",
  args: readonly unknown[],
): StepDefinition {
  const { slug, dependencies, handler, options } = readArguments(type, args);
  const subject = `Cannot add step ${JSON.stringify(slug)} to flow "${flow.slug}"`;
  const step: StepDefinition = {
    slug: checkSlug(slug, MAX_LENGTH, subject),
    dependencies: checkDependencies(flow, slug, dependencies, subject),
    type,
    performedBy: "handler",
    options: checkOptions<StepOptions>(options, stepOptions, subject),
    handler: checkHandler(handler, subject),
  };
  if (flow.getStep(step.slug) !== undefined) {
    throw new TypeError(`${subject}: the flow has a step with this slug`);
  }
  const { runIf, runUnless, whenUnmet } = step.options;
  if (whenUnmet !== undefined && runIf === undefined && runUnless === undefined) {
    throw new TypeError(`${subject}: it has whenUnmet, but neither runIf nor runUnless`);
  }
  return Object.freeze(step);
}

interface StepArguments {
  slug: unknown;
  dependencies: unknown;
  handler: unknown;
  options: unknown;
}

/** The forms: `(slug, handler, …)`, `(slug, dependencies, handler, …)`, `({ … }, handler)`. */
function readArguments(type: "single" | "map", args: readonly unknown[]): StepArguments {
  const [first, second, third, fourth = {}] = args;
  if (type === "single" && typeof first === "object" && first !== null) {
    const { slug, dependsOn = [], ...options } = first as { slug?: unknown; dependsOn?: unknown };
    return { slug, dependencies: dependsOn, handler: second, options };
  }
  if (typeof second === "function") {
    return { slug: first, dependencies: [], handler: second, options: third ?? {} };
  }
  const dependencies = type === "map" ? [second] : second;
  return { slug: first, dependencies, handler: third, options: fourth };
}

function checkDependencies(
  flow: AnyFlow,
  slug: unknown,
  dependencies: unknown,
  subject: string,
): readonly string[] {
  if (!Array.isArray(dependencies)) {
    throw new TypeError(`${subject}: its dependencies are not an array of slugs`);
  }
  for (const [index, dependency] of dependencies.entries()) {
    if (dependency === slug) throw new TypeError(`${subject}: it depends on itself`);
    if (typeof dependency !== "string" || flow.getStep(dependency) === undefined) {
      throw new TypeError(`${subject}: it depends on unknown step ${JSON.stringify(dependency)}`);
    }
    if (dependencies.indexOf(dependency) !== index) {
      throw new TypeError(`${subject}: it depends on step "${dependency}" twice`);
    }
  }
  return Object.freeze([...dependencies]);
}

function checkHandler(handler: unknown, subject: string): StepHandler {
  if (typeof handler === "function") return handler as StepHandler;
  throw new TypeError(`${subject}: its handler is not a function`);
}
