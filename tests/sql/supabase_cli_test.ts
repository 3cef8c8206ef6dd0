import { assertEquals, assertStringIncludes } from "@std/assert";
import { parse } from "smol-toml";
import { migrationPath } from "../../lib/local/migration.ts";
import postgres from "postgres";
import { testDatabase } from "../database.ts";

const cli = "supabase@3.1.0";
const root = new URL("../../", import.meta.url);
const npx = await findNpx();

Deno.test("supabase/config.toml names every function of the tree, and what each needs exists", () => {
  const config = parse(Deno.readTextFileSync(new URL("supabase/config.toml", root))) as {
    functions: Record<string, { entrypoint: string; import_map: string; verify_jwt: boolean }>;
    db: { seed: { sql_paths: string[] } };
  };
  const folders = Array.from(Deno.readDirSync(new URL("functions/", root)), ({ name }) => name);

  assertEquals(Object.keys(config.functions).sort(), folders.sort());
  for (const { entrypoint, import_map } of Object.values(config.functions)) {
    Deno.statSync(new URL(entrypoint, new URL("supabase/", root)));
    Deno.statSync(new URL(import_map, new URL("supabase/", root)));
  }
  for (const path of config.db.seed.sql_paths) {
    Deno.statSync(new URL(path, new URL("supabase/", root)));
  }
});

Deno.test({
  name: "the Supabase CLI applies the migrations once" +
    (npx ? "" : ` (ignored: there is no npx to run ${cli} with)`),
  ignore: !npx,
  async fn() {
    await using server = await testDatabase();
    await using database = await emptyDatabase(server.sql, server.url);
    const project = await copyOfProject();
    try {
      const first = await migrationUp(project, database.url);
      assertEquals(first.code, 0, first.output);
      assertStringIncludes(first.output, migrationPath.split("/").at(-1)!);
      assertEquals(await state(database.sql), {
        versions: ["20260101000000"],
        tables: await tablesOf(server.sql),
        functions: await functionsOf(server.sql),
      });

      await database.sql`select pgflow.create_flow('kept')`;
      const second = await migrationUp(project, database.url);
      assertEquals(second.code, 0, second.output);
      const flows = await database.sql`select flow_slug from pgflow.flows`;
      assertEquals(flows.map((row) => row.flow_slug), ["kept"]);
      assertEquals((await state(database.sql)).versions, ["20260101000000"]);
    } finally {
      await Deno.remove(project, { recursive: true });
    }
  },
});

/** A database as the platform has it before any migration: the roles and nothing of ours. */
async function emptyDatabase(server: postgres.Sql, serverUrl: string) {
  const name = `pgflow_cli_${crypto.randomUUID().replaceAll("-", "")}`;
  await server`create database ${server(name)} template template0`;
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  const sql = postgres(url.href, { max: 1, onnotice: () => {} });
  return {
    url: url.href,
    sql,
    async [Symbol.asyncDispose]() {
      await sql.end({ timeout: 1 });
      await server`drop database ${server(name)} with (force)`;
    },
  };
}

/** The CLI writes beside what it reads, so it reads a copy. */
async function copyOfProject(): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "pgflow_cli_" });
  const files = ["deno.json", "supabase/config.toml", "supabase/seed.sql", migrationPath];
  for (const name of Array.from(Deno.readDirSync(new URL("functions/", root)))) {
    files.push(`functions/${name.name}/index.ts`);
  }
  for (const file of files) {
    const target = `${folder}/${file}`;
    await Deno.mkdir(target.slice(0, target.lastIndexOf("/")), { recursive: true });
    await Deno.copyFile(new URL(file, root), target);
  }
  return folder;
}

async function migrationUp(project: string, url: string) {
  const { code, stdout, stderr } = await new Deno.Command("npx", {
    args: ["-y", cli, "migration", "up", "--db-url", url, "--yes", "--workdir", project],
    cwd: project,
    env: {
      SUPABASE_HOME: `${project}/home`,
      SUPABASE_TELEMETRY_DISABLED: "1",
      DO_NOT_TRACK: "1",
      NO_COLOR: "1",
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  const decoder = new TextDecoder();
  return { code, output: decoder.decode(stdout) + decoder.decode(stderr) };
}

async function state(sql: postgres.Sql) {
  const versions = await sql`
    select version from supabase_migrations.schema_migrations order by version
  `;
  return {
    versions: versions.map((row) => row.version),
    tables: await tablesOf(sql),
    functions: await functionsOf(sql),
  };
}

async function tablesOf(sql: postgres.Sql): Promise<string[]> {
  const rows = await sql`
    select tablename as name from pg_tables where schemaname = 'pgflow' order by 1
  `;
  return rows.map((row) => row.name);
}

async function functionsOf(sql: postgres.Sql): Promise<string[]> {
  const rows = await sql`
    select oid::regprocedure::text as name from pg_proc
    where pronamespace = 'pgflow'::regnamespace order by 1
  `;
  return rows.map((row) => row.name);
}

async function findNpx(): Promise<boolean> {
  try {
    const { success } = await new Deno.Command("npx", { args: ["--version"], stdin: "null" })
      .output();
    return success;
  } catch {
    return false;
  }
}
