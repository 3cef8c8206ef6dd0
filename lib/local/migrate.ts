import postgres from "postgres";
import { PgflowError } from "../errors.ts";
import { migrationFiles } from "./migration_files.ts";

/** What {@linkcode applyMigrations} does besides the migrations. */
export interface MigrateOptions {
  /**
   * Whether the tables that flows write to are made as well, by flows/<slug>.sql.
   * @default {false}
   */
  flows?: boolean;
  /**
   * Whether the development helpers of supabase/seed.sql are loaded as well.
   * @default {false}
   */
  seed?: boolean;
}

/**
 * Brings an empty database to the state of a migrated Supabase project: the stand-ins for the
 * platform, then each file of supabase/migrations in the order of their names and in a transaction
 * of its own.
 */
export async function applyMigrations(
  database: postgres.Sql | string,
  options: MigrateOptions = {},
): Promise<void> {
  if (typeof database === "string") {
    const sql = postgres(database, { max: 1, onnotice: () => {} });
    try {
      return await applyMigrations(sql, options);
    } finally {
      await sql.end();
    }
  }
  for (const file of migrationFiles(options)) {
    await applyFile(database, file);
  }
}

async function applyFile(sql: postgres.Sql, file: URL): Promise<void> {
  const text = await Deno.readTextFile(file);
  try {
    await sql.begin((transaction) => transaction.unsafe(text).simple());
  } catch (cause) {
    const name = file.pathname.split("/").at(-1);
    const { message, position, hint } = cause as postgres.PostgresError;
    const line = position === undefined ? "" : ` (line ${lineAt(text, Number(position))})`;
    throw new PgflowError(`Cannot apply migration "${name}"${line}: ${message}`, {
      hint,
      cause,
    });
  }
}

function lineAt(text: string, position: number): number {
  return text.slice(0, position).split("\n").length;
}
