import { checkOptions, stepOptions } from "./check_options.ts";
import { checkSlug } from "./check_slug.ts";
import { hostedFlows } from "./hosted_flows.ts";
import { isFlow } from "./is_flow.ts";
import { readArguments, type StepKind } from "./read_arguments.ts";
import type { StepDefinition, StepHandler } from "./step.ts";
import type { AnyFlow } from "./types.ts";

const MAX_LENGTH = 128;

/** A step, and the flow that it runs if a subflow performs it. */
export interface DefinedStep {
  /** The step. */
  step: StepDefinition;
  /** The flow. */
  subflow: AnyFlow | undefined;
}

/**
 * Returns the step that the arguments of one of a flow's methods describe, or throws and says why
 * it cannot be added.
 */
export function defineStep(flow: AnyFlow, kind: StepKind, args: readonly unknown[]): DefinedStep {
  const given = readArguments(kind, args);
  const subject = `Cannot add step ${JSON.stringify(given.slug)} to flow "${flow.slug}"`;
  const slug = checkSlug(given.slug, MAX_LENGTH, subject);
  const dependencies = checkDependencies(flow, kind, slug, given.dependencies, subject);
  const subflow = kind.performedBy === "subflow"
    ? checkSubflow(flow, given.subflow, subject)
    : undefined;
  const step: StepDefinition = {
    slug,
    dependencies,
    ...kind,
    ...(subflow === undefined ? {} : { subflow: subflow.slug }),
    options: checkOptions<StepDefinition["options"]>(
      given.options,
      stepOptions[kind.performedBy],
      subject,
    ),
    handler: kind.performedBy === "approval" ? refuse : checkHandler(given.handler, subject),
  };
  if (flow.getStep(slug) !== undefined) {
    throw new TypeError(`${subject}: the flow has a step with this slug`);
  }
  const { runIf, runUnless, whenUnmet } = step.options;
  if (whenUnmet !== undefined && runIf === undefined && runUnless === undefined) {
    throw new TypeError(`${subject}: it has whenUnmet, but neither runIf nor runUnless`);
  }
  checkAssignee(step, subject);
  return { step: Object.freeze(step), subflow };
}

/** The input of an approval that is no map is known: the flow's, and the outputs it waits for. */
function checkAssignee({ type, dependencies, options }: StepDefinition, subject: string): void {
  const [kind, path = ""] = options.assignee?.split(":") ?? [];
  if (kind !== "user" || type === "map") return;
  const name = path.split(".")[0]!;
  if (name !== "run" && !dependencies.includes(name)) {
    throw new TypeError(
      `${subject}: its assignee is not in its input: "${name}" is neither "run" nor a dependency`,
    );
  }
}

function checkDependencies(
  flow: AnyFlow,
  { type }: StepKind,
  slug: string,
  dependencies: unknown,
  subject: string,
): readonly string[] {
  if (!Array.isArray(dependencies)) {
    throw new TypeError(`${subject}: its dependencies are not an array of slugs`);
  }
  if (type === "map" && Array.isArray(dependencies[0])) {
    throw new TypeError(`${subject}: a map names its only dependency, not an array`);
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

function checkSubflow(flow: AnyFlow, subflow: unknown, subject: string): AnyFlow {
  if (!isFlow(subflow)) throw new TypeError(`${subject}: its subflow is not a flow`);
  const known = new Map(hostedFlows(flow).map((other) => [other.slug, other]));
  for (const other of hostedFlows(subflow)) {
    if (other.slug === flow.slug) {
      throw new TypeError(`${subject}: flow "${flow.slug}" would be its own subflow`);
    }
    if ((known.get(other.slug) ?? other) !== other) {
      throw new TypeError(`${subject}: the flow starts another flow "${other.slug}" already`);
    }
  }
  return subflow;
}

function checkHandler(handler: unknown, subject: string): StepHandler {
  if (typeof handler === "function") return handler as StepHandler;
  throw new TypeError(`${subject}: its handler is not a function`);
}

function refuse(): never {
  throw new TypeError("Cannot run approval: it is answered by complete_step or fail_step");
}
