import type { Db } from "../db/mod.ts";
import { type AnyFlow, flowShape, type Logger, PgflowError } from "../dsl/mod.ts";
import { checkSchema } from "./check_schema.ts";

/** What compiling needs to know besides the flows. */
export interface CompileOptions {
  /** The environment. */
  env: Readonly<Record<string, string | undefined>>;
  /** Where is said that a flow was replaced. */
  logger: Logger;
}

/**
 * Stores the flows, or makes sure that the stored ones have the same shape, in a database whose
 * schema is of the worker's version. In development, where the environment allows it, another shape
 * replaces the stored one with all its runs.
 */
export async function compileFlows(
  db: Pick<Db, "schemaVersion" | "ensureFlowCompiled">,
  flows: readonly AnyFlow[],
  { env, logger }: CompileOptions,
): Promise<void> {
  await checkSchema(db);
  const replace = allowsReplacement(env);
  for (const flow of flows) {
    const shape = flowShape(flow);
    const { status, differences } = await db.ensureFlowCompiled(flow.slug, shape, { replace });
    if (status === "compiled" && differences.length > 0) {
      const reason = differences.join("; ");
      logger.warn(`replaced flow "${flow.slug}", its runs are deleted: ${reason}`);
    }
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

/** Data that matter are not for an environment variable to delete. */
function allowsReplacement(env: CompileOptions["env"]): boolean {
  const isHosted = env.SB_REGION !== undefined || env.DENO_DEPLOYMENT_ID !== undefined;
  return env.PGFLOW_ALLOW_SHAPE_REPLACEMENT === "true" && !isHosted;
}

/** `greet_user` → `greet_user_v2` → `greet_user_v3` */
function nextSlug(slug: string): string {
  const [, stem = slug, version] = /^(.+?)_v(\d+)$/.exec(slug) ?? [];
  const suffix = `_v${Number(version ?? 1) + 1}`;
  // A queue's name has at most 47 characters.
  return stem.slice(0, 47 - suffix.length) + suffix;
}
