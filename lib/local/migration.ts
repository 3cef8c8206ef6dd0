/**
 * Joins `supabase/schemas/*.sql` into the one migration that ships before 1.0.
 *
 * `deno task migration` writes it; `deno task migration --check` only says whether it is current.
 *
 * @module
 */

const root = new URL("../../", import.meta.url);

/** The migration's path, relative to the project. */
export const migrationPath = "supabase/migrations/20260101000000_pgflow.sql";

/** Returns the migration's text: every schema file in order of name, each under a rule that names it. */
export async function buildMigration(): Promise<string> {
  const folder = new URL("supabase/schemas/", root);
  const names: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    if (entry.isFile && entry.name.endsWith(".sql")) names.push(entry.name);
  }
  names.sort();

  const parts = [
    "-- Generated from supabase/schemas/ by `deno task migration`: edit those files, not this one.\n",
  ];
  for (const name of names) {
    const rule = `-- ${`== ${name} `.padEnd(97, "=")}`;
    parts.push(`${rule}\n\n${(await Deno.readTextFile(new URL(name, folder))).trimEnd()}\n`);
  }
  return parts.join("\n");
}

if (import.meta.main) {
  const text = await buildMigration();
  const target = new URL(migrationPath, root);
  if (Deno.args.includes("--check")) {
    const current = await Deno.readTextFile(target).catch(() => "");
    if (current !== text) {
      console.error(`${migrationPath} is out of date: run \`deno task migration\``);
      Deno.exit(1);
    }
    console.log(`${migrationPath} is up to date`);
  } else {
    await Deno.writeTextFile(target, text);
    console.log(`Wrote ${migrationPath}`);
  }
}
