/**
 * Runs every test on one Postgres that it starts itself, and ends with one line of counts.
 *
 * `deno task test` runs all suites; `deno task test pgtap`, `… deno` or `… doc` runs one, and a last
 * argument selects files by a part of their path. `DATABASE_URL` names another server to use: a
 * superuser's URL, on which databases are created and dropped.
 *
 * @module
 */
import { startPostgres } from "../lib/local/postgres.ts";
import { type Counts, runPgtap } from "./pgtap.ts";

const suites = ["pgtap", "deno", "doc"];
const asked = Deno.args.filter((arg) => suites.includes(arg));
const filter = Deno.args.find((arg) => !suites.includes(arg)) ?? "";

const own = Deno.env.has("DATABASE_URL") ? undefined : await startPostgres();
const serverUrl = own?.url ?? Deno.env.get("DATABASE_URL")!;
Deno.env.set("PGFLOW_TEST_DATABASE_URL", serverUrl);

const total: Counts = { passed: 0, failed: 0, skipped: 0 };
try {
  for (const suite of asked.length > 0 ? asked : suites) {
    console.log(`\n# ${suite}`);
    const counts = await runSuite(suite);
    total.passed += counts.passed;
    total.failed += counts.failed;
    total.skipped += counts.skipped;
  }
} finally {
  await own?.stop();
}

const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : "";
console.log(`\n${total.passed} passed, ${total.failed} failed${skipped}`);
Deno.exit(total.failed > 0 || total.passed === 0 ? 1 : 0);

async function runSuite(suite: string): Promise<Counts> {
  if (suite === "pgtap") {
    const { testDatabase } = await import("./database.ts");
    await using database = await testDatabase();
    return await runPgtap(database.url, filter);
  }
  if (suite === "doc") return await runDeno(["--doc", "lib/dsl", "lib/worker", "lib/client"]);
  return await runDeno(filter === "" ? ["tests"] : await matchingTests());
}

async function matchingTests(): Promise<string[]> {
  const root = new URL("../", import.meta.url);
  const files: string[] = [];
  const walk = async (folder: string) => {
    for await (const entry of Deno.readDir(new URL(folder, root))) {
      if (entry.isDirectory) await walk(`${folder}${entry.name}/`);
      else if (entry.name.endsWith("_test.ts")) files.push(folder + entry.name);
    }
  };
  await walk("tests/");
  return files.filter((file) => file.includes(filter));
}

/** Runs `deno test` in the same Deno, shows what it prints, and reads its last line. */
async function runDeno(args: string[]): Promise<Counts> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", "--quiet", ...args],
    cwd: new URL("../", import.meta.url),
    env: { NO_COLOR: "1" },
    stdout: "piped",
  }).spawn();

  const decoder = new TextDecoder();
  let tail = "";
  for await (const chunk of child.stdout) {
    await Deno.stdout.write(chunk);
    tail = (tail + decoder.decode(chunk, { stream: true })).slice(-4000);
  }
  const { code } = await child.status;
  const summary = /(\d+) passed[^|]*\| (\d+) failed(?:[^|\n]*\| (\d+) ignored)?/.exec(tail);
  const counts = {
    passed: Number(summary?.[1] ?? 0),
    failed: Number(summary?.[2] ?? 0),
    skipped: Number(summary?.[3] ?? 0),
  };
  // A crash, or an error outside of any test, must not pass for success.
  if (code !== 0 && counts.failed === 0) counts.failed = 1;
  return counts;
}
