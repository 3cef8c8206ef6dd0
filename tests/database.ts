import postgres from "postgres";
import { applyMigrations } from "../lib/local/migrate.ts";
import { migrationFiles } from "../lib/local/migration_files.ts";
import { startPostgres } from "../lib/local/postgres.ts";

/** A migrated database of one's own, gone when it is disposed. */
export interface TestDatabase extends AsyncDisposable {
  /** Where it is: behind a transaction-mode pooler when all tests are to go through one. */
  url: string;
  /** A client of its own, always a direct one. */
  sql: postgres.Sql;
}

// Started outside of any test, because it outlives the test that happens to ask first. The server
// ends with this process.
const serverUrl = Deno.env.get("PGFLOW_TEST_DATABASE_URL") || Deno.env.get("DATABASE_URL") ||
  (await startPostgres()).url;

/** The pooler before the server, for the suite that goes through one. */
const poolerUrl = Deno.env.get("PGFLOW_TEST_POOLER_URL");

/**
 * Creates a database with the migrations and the helpers of supabase/seed.sql applied; `direct` is for
 * tests of what differs behind a pooler: prepared statements, and whose connections end when.
 */
export async function testDatabase({ direct = false } = {}): Promise<TestDatabase> {
  const name = `pgflow_test_${crypto.randomUUID().replaceAll("-", "")}`;
  await onServer(async (server) => {
    const template = await migratedTemplate(server);
    await server`create database ${server(name)} template ${server(template)}`;
  });
  const sql = postgres(urlOf(name), { onnotice: () => {} });
  return {
    url: urlOf(name, direct ? serverUrl : poolerUrl),
    sql,
    async [Symbol.asyncDispose]() {
      await sql.end({ timeout: 1 });
      await onServer((server) => server`drop database ${server(name)} with (force)`);
    },
  };
}

/** Returns the name of the template, made by whoever comes first and kept with the server. */
async function migratedTemplate(server: postgres.Sql): Promise<string> {
  const name = `pgflow_template_${await fingerprint()}`;
  const exists = () => server`select from pg_database where datname = ${name}`;
  if ((await exists()).length > 0) return name;
  await server`select pg_advisory_lock(hashtext('pgflow_template'))`;
  if ((await exists()).length > 0) return name;
  const draft = `${name}_draft`;
  await server`drop database if exists ${server(draft)} with (force)`;
  await server`create database ${server(draft)} template template0`;
  await applyMigrations(urlOf(draft), { seed: true });
  await server`alter database ${server(draft)} rename to ${server(name)}`;
  return name;
}

/** A few letters that change whenever one of the files behind the template does. */
async function fingerprint(): Promise<string> {
  const texts = migrationFiles({ seed: true }).map((file) => Deno.readTextFileSync(file));
  const bytes = new TextEncoder().encode(texts.join("\0"));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest.slice(0, 8), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function onServer(work: (server: postgres.Sql) => PromiseLike<unknown>): Promise<void> {
  const server = postgres(serverUrl, { max: 1, onnotice: () => {} });
  try {
    await work(server);
  } finally {
    await server.end();
  }
}

function urlOf(database: string, server = serverUrl): string {
  const url = new URL(server);
  url.pathname = `/${database}`;
  return url.href;
}
