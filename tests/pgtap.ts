/**
 * Runs the pgTAP files of `supabase/tests` through the driver: no psql, no
 * pg_prove. `supabase test db` runs the same files.
 *
 * @module
 */
import postgres from "postgres";

/** What a suite counted. */
export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** Runs every file whose path includes `filter`, prints what failed, and returns the counts. */
export async function runPgtap(url: string, filter = ""): Promise<Counts> {
  const total: Counts = { passed: 0, failed: 0, skipped: 0 };
  const folder = new URL("../supabase/tests/", import.meta.url);
  const files = (await listFiles(folder)).filter((file) => file.includes(filter));
  const sql = postgres(url, { max: 1, onnotice: () => {}, fetch_types: false });
  try {
    for (const file of files) {
      const { counts, complaints } = await runFile(
        sql,
        await Deno.readTextFile(new URL(file, folder)),
      );
      total.passed += counts.passed;
      total.failed += counts.failed;
      total.skipped += counts.skipped;
      console.log(
        `${counts.failed > 0 ? "not ok" : "ok"}  ${file} (${counts.passed + counts.failed})`,
      );
      for (const line of complaints) console.log(`    ${line}`);
    }
  } finally {
    await sql.end();
  }
  return total;
}

/** Runs one file as psql would, and reads the TAP lines that its statements return. */
async function runFile(sql: postgres.Sql, text: string) {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  const complaints: string[] = [];
  const lines: string[] = [];
  try {
    const results = await sql.unsafe(text).simple() as unknown as Record<string, unknown>[][];
    for (const row of results.flat()) {
      for (const value of Object.values(row)) {
        if (typeof value === "string") lines.push(...value.split("\n"));
      }
    }
  } catch (error) {
    counts.failed += 1;
    complaints.push(`the file stopped: ${(error as Error).message}`);
    await sql.unsafe("rollback").simple();
  }

  let planned: number | undefined;
  for (const line of lines) {
    if (/^1\.\.\d+$/.test(line)) planned = Number(line.slice(3));
    else if (/^ok \d+.*# SKIP/i.test(line)) counts.skipped += 1;
    else if (/^ok \d+/.test(line)) counts.passed += 1;
    else if (/^not ok \d+/.test(line)) {
      counts.failed += 1;
      complaints.push(line);
    } else if (line.startsWith("#")) complaints.push(line);
  }
  const ran = counts.passed + counts.failed + counts.skipped;
  if (counts.failed === 0 && planned !== ran) {
    counts.failed += 1;
    complaints.push(`the file planned ${planned ?? "no"} tests and ran ${ran}`);
  }
  return { counts, complaints: counts.failed > 0 ? complaints : [] };
}

async function listFiles(folder: URL, prefix = ""): Promise<string[]> {
  const files: string[] = [];
  for await (const entry of Deno.readDir(new URL(prefix, folder))) {
    if (entry.isDirectory) files.push(...await listFiles(folder, `${prefix}${entry.name}/`));
    else if (entry.name.endsWith(".test.sql")) files.push(prefix + entry.name);
  }
  return files.sort();
}
