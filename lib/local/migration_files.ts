/**
 * Lists the SQL files that make an empty database a migrated one, in order: the stand-ins for the
 * platform, supabase/migrations by name and, if asked, supabase/seed.sql.
 */
export function migrationFiles(options: { seed?: boolean } = {}): URL[] {
  const supabase = new URL("../../supabase/", import.meta.url);
  const migrations = new URL("migrations/", supabase);
  const names = Array.from(Deno.readDirSync(migrations), (entry) => entry.name)
    .filter((name) => name.endsWith(".sql"))
    .sort();
  const files = [
    new URL("./platform.sql", import.meta.url),
    ...names.map((name) => new URL(name, migrations)),
  ];
  const seed = new URL("seed.sql", supabase);
  return options.seed && isFile(seed) ? [...files, seed] : files;
}

function isFile(url: URL): boolean {
  try {
    return Deno.statSync(url).isFile;
  } catch {
    return false;
  }
}
