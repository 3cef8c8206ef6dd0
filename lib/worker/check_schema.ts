import type { Db } from "../db/mod.ts";
import { PgflowError } from "../errors.ts";

/** The version of `supabase/schemas/` that this worker is written for; patches of it do as well. */
export const SCHEMA_VERSION = "0.1.0";

/**
 * Throws a PgflowError if the database's schema is older or newer than the worker needs it, which
 * says what is to be deployed: a worker that calls what is not there would half work.
 */
export async function checkSchema(db: Pick<Db, "schemaVersion">): Promise<void> {
  const installed = await db.schemaVersion();
  const difference = compare(installed, SCHEMA_VERSION);
  if (difference === 0) return;
  throw new PgflowError(
    `Cannot work with schema "${installed}" of pgflow: this worker is made for ${SCHEMA_VERSION}`,
    {
      code: "PF106",
      hint: difference < 0
        ? "The database is older than the worker: apply the migrations (supabase db push)."
        : "The worker is older than the database: deploy the functions (supabase functions deploy).",
    },
  );
}

/** By major and minor version. */
function compare(one: string, other: string): number {
  const [[major, minor], [otherMajor, otherMinor]] = [numbersOf(one), numbersOf(other)];
  return major - otherMajor || minor - otherMinor;
}

function numbersOf(version: string): [major: number, minor: number] {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return [major, minor];
}
