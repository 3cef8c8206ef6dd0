import type { Db } from "../db/mod.ts";
import { type AnyFlow, flowShape, PgflowError } from "../dsl/mod.ts";
import { checkSchema } from "./check_schema.ts";

/**
 * Stores the flows, or makes sure that the stored ones have the same shape, in a database whose
 * schema is of the worker's version.
 */
export async function compileFlows(
  db: Pick<Db, "schemaVersion" | "ensureFlowCompiled">,
  flows: readonly AnyFlow[],
): Promise<void> {
  await checkSchema(db);
  for (const flow of flows) {
    const { status, differences } = await db.ensureFlowCompiled(flow.slug, flowShape(flow));
    if (status !== "mismatch") continue;
    throw new PgflowError(
      `Cannot work on flow "${flow.slug}": its shape differs from the stored one: ` +
        differences.join("; "),
      {
        code: "PF003",
        hint: `Runs may be on their way through the stored shape: give the new one a new slug, ` +
          `such as "${nextSlug(flow.slug)}".`,
      },
    );
  }
}

/** `greet_user` → `greet_user_v2` → `greet_user_v3` */
function nextSlug(slug: string): string {
  const [, stem = slug, version] = /^(.+?)_v(\d+)$/.exec(slug) ?? [];
  const suffix = `_v${Number(version ?? 1) + 1}`;
  // A queue's name has at most 47 characters.
  return stem.slice(0, 47 - suffix.length) + suffix;
}
