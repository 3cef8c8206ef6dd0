import { hostedFlows } from "./hosted_flows.ts";
import type { StepHandler } from "./step.ts";
import type { AnyFlow } from "./types.ts";

const SUFFIX = "_on_failure";
const MAX_LENGTH = 47 - SUFFIX.length;

/** What the flow behind a hook is made of. */
export interface DefinedHook {
  /** Its slug. */
  slug: string;
  /** The handler of its only step. */
  work: StepHandler;
}

/** Returns what a flow's hook for failures is made of, or throws and says what is wrong with it. */
export function defineHook(flow: AnyFlow, handler: unknown): DefinedHook {
  const subject = `Cannot add hook for failures to flow "${flow.slug}"`;
  const slug = flow.slug + SUFFIX;
  if (typeof handler !== "function") throw new TypeError(`${subject}: it is not a function`);
  if (flow.failureFlow !== undefined) throw new TypeError(`${subject}: it has one`);
  if (flow.slug.length > MAX_LENGTH) {
    throw new RangeError(
      `${subject}: the flow's slug is longer than ${MAX_LENGTH} characters, too long for "${slug}"`,
    );
  }
  if (hostedFlows(flow).some((other) => other.slug === slug)) {
    throw new TypeError(`${subject}: one of its subflows is named "${slug}"`);
  }
  return {
    slug,
    async work(payload, context) {
      await handler(payload, context);
      return null;
    },
  };
}
