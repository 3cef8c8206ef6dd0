import { InvalidInputError, type InvalidInputIssue } from "../errors.ts";
import type { StandardSchemaIssue } from "./standard_schema.ts";
import type { AnyFlow } from "./types.ts";

/** More than these are counted, not listed, in an error's message. */
const MAX_LISTED = 5;

/**
 * Resolves when a flow may be started with an input, and rejects with an
 * {@linkcode InvalidInputError} that names the paths of what is wrong.
 *
 * The flow's schema judges and changes nothing: what it would make of the input is dropped, and
 * handlers get what was given. A flow without a schema takes anything.
 */
export async function checkInput(flow: AnyFlow, input: unknown): Promise<void> {
  const result = await flow.inputSchema?.["~standard"].validate(input);
  if (result?.issues === undefined) return;
  const issues = result.issues.map(({ message, path }) => ({ path: pathOf(path), message }));
  throw new InvalidInputError(
    `Cannot run flow "${flow.slug}": its input is wrong: ${listOf(issues)}`,
    issues,
  );
}

function listOf(issues: readonly InvalidInputIssue[]): string {
  const listed = issues.slice(0, MAX_LISTED).map(({ path, message }) => `${path}: ${message}`);
  const more = issues.length - listed.length;
  return listed.join("; ") + (more > 0 ? `; and ${more} more` : "");
}

/** `$.items[0].sku` */
function pathOf(path: StandardSchemaIssue["path"] = []): string {
  return path.reduce<string>((parent, segment) => {
    const key = typeof segment === "object" ? segment.key : segment;
    if (typeof key === "number") return `${parent}[${key}]`;
    const name = String(key);
    return /^[\p{L}_$][\p{L}\d_$]*$/u.test(name)
      ? `${parent}.${name}`
      : `${parent}[${JSON.stringify(name)}]`;
  }, "$");
}
