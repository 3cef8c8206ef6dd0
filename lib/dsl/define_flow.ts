import { checkSlug } from "./check_slug.ts";
import { checkOptions, flowOptions } from "./check_options.ts";
import type { FlowOptions } from "./flow_options.ts";

/** pgmq refuses names of queues of 48 characters or more. */
const MAX_LENGTH = 47;

/** Returns the slug and the options of a definition, or throws and says what is wrong with it. */
export function defineFlow(definition: unknown): { slug: string; options: FlowOptions } {
  if (typeof definition !== "object" || definition === null) {
    throw new TypeError('Cannot create flow: it is not defined by an object like { slug: "x" }');
  }
  const { slug, ...options } = definition as { slug?: unknown };
  const subject = `Cannot create flow ${JSON.stringify(slug)}`;
  return {
    slug: checkSlug(slug, MAX_LENGTH, subject),
    options: checkOptions<FlowOptions>(options, flowOptions, subject),
  };
}
