import { checkSlug } from "./check_slug.ts";
import { checkOptions, flowOptions } from "./check_options.ts";
import type { FlowOptions } from "./flow_options.ts";
import type { StandardSchema } from "./standard_schema.ts";

/** pgmq refuses names of queues of 48 characters or more. */
const MAX_LENGTH = 47;

/** What a flow is made of before it has steps. */
export interface DefinedFlow {
  /** Its name. */
  slug: string;
  /** The schema of its input. */
  input: StandardSchema | undefined;
  /** Its options. */
  options: FlowOptions;
}

/** Returns what a definition says, or throws and says what is wrong with it. */
export function defineFlow(definition: unknown): DefinedFlow {
  if (typeof definition !== "object" || definition === null) {
    throw new TypeError('Cannot create flow: it is not defined by an object like { slug: "x" }');
  }
  const { slug, input, ...options } = definition as { slug?: unknown; input?: unknown };
  const subject = `Cannot create flow ${JSON.stringify(slug)}`;
  return {
    slug: checkSlug(slug, MAX_LENGTH, subject),
    input: checkSchema(input, subject),
    options: checkOptions<FlowOptions>(options, flowOptions, subject),
  };
}

function checkSchema(input: unknown, subject: string): StandardSchema | undefined {
  if (input === undefined) return undefined;
  const props = Object((input as Partial<StandardSchema> | null)?.["~standard"]);
  if (props["version"] === 1 && typeof props["validate"] === "function") {
    return input as StandardSchema;
  }
  throw new TypeError(`${subject}: its input is not a Standard Schema, such as type<string>()`);
}
