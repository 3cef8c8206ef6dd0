/**
 * Runs every test on one Postgres that it starts itself, and ends with one line of counts.
 *
 * `deno task test` runs the suites pgtap, deno and doc; with the name of a suite it runs that one, and
 * a last argument selects files by a part of their path. Three more suites run by their names only:
 * edge, what an edge function contains, under the Deno of the edge runtime, which npx fetches; pooler,
 * what talks to the database, through pgbouncer in transaction mode; chaos, flows that go on while
 * all around them is killed. `DATABASE_URL` names another server to use: a superuser's URL, on which
 * databases are created and dropped.
 *
 * @module
 */
import { startPostgres } from "../lib/local/postgres.ts";
import { type Counts, runPgtap } from "./pgtap.ts";

const suites = ["pgtap", "deno", "doc"];
const edgeDeno = ["npx", "-y", "deno@2.1.4"];
const edgeFolders = ["tests/dsl", "tests/db", "tests/flows", "tests/worker", "tests/client"];
const poolerTests = ["tests/db", "tests/worker", "tests/life_of_a_run_test.ts"];
const isSuite = (arg: string) => [...suites, "edge", "pooler", "chaos"].includes(arg);
const asked = Deno.args.filter(isSuite);
const filter = Deno.args.find((arg) => !isSuite(arg)) ?? "";

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
Deno.exit(total.failed > 0 || total.passed + total.skipped === 0 ? 1 : 0);

async function runSuite(suite: string): Promise<Counts> {
  if (suite === "pgtap") {
    const { testDatabase } = await import("./database.ts");
    await using database = await testDatabase();
    return await runPgtap(database.url, filter);
  }
  if (suite === "doc") return await runDeno([Deno.execPath()], ["--doc", "lib"]);
  if (suite === "pooler") return await runPooled();
  if (suite === "chaos") return await runDeno([Deno.execPath()], ["tests/chaos/chaos.ts"]);
  // Its types of Node, noted in the lock file, would be those of every later run.
  if (suite === "edge") return await runDeno(edgeDeno, ["--no-lock", ...edgeFolders]);
  return await runDeno([Deno.execPath()], filter === "" ? ["tests"] : await matchingTests());
}

async function runPooled(): Promise<Counts> {
  const { startPooler } = await import("./pooler.ts");
  await using pooler = await startPooler(serverUrl);
  if (pooler === undefined) {
    console.log("skipped: pgbouncer is not installed, so nothing ran through a pooler");
    return { passed: 0, failed: 0, skipped: 1 };
  }
  const env = { PGFLOW_TEST_POOLER_URL: pooler.url };
  return await runDeno([Deno.execPath()], poolerTests, env);
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

/** Runs `deno test`, shows what it prints, and reads its last line. */
async function runDeno(
  [command, ...before]: string[],
  args: string[],
  env: Record<string, string> = {},
): Promise<Counts> {
  const child = new Deno.Command(command!, {
    args: [...before, "test", "-A", ...args],
    cwd: new URL("../", import.meta.url),
    env: { NO_COLOR: "1", ...env },
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
