/**
 * Lists the SQL files that make an empty database a migrated one, in order: the stand-ins for the
 * platform, supabase/migrations and, if asked, flows/<slug>.sql and supabase/seed.sql.
 */
export function migrationFiles(options: { flows?: boolean; seed?: boolean } = {}): URL[] {
  const supabase = new URL("../../supabase/", import.meta.url);
  return [
    new URL("./platform.sql", import.meta.url),
    ...sqlFiles(new URL("migrations/", supabase)),
    ...(options.flows ? sqlFiles(new URL("../../flows/", import.meta.url)) : []),
    ...(options.seed ? sqlFiles(supabase).filter(({ href }) => href.endsWith("/seed.sql")) : []),
  ];
}

function sqlFiles(folder: URL): URL[] {
  return Array.from(Deno.readDirSync(folder))
    .filter(({ isFile, name }) => isFile && name.endsWith(".sql"))
    .map(({ name }) => new URL(name, folder))
    .sort((a, b) => a.href < b.href ? -1 : 1);
}
