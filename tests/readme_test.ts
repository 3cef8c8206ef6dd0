/**
 * README.md, checked against the tree. What it shows is run by the tests in `tests/readme/`:
 *
 * - blocks `ts` are type-checked, those with flows worked on, those with `supabase` run;
 * - blocks `sql` are run in their order, with a worker that works between them;
 * - a block `text` or `json` is the output of the block before it;
 * - blocks `sh` and `sh supabase` hold the commands listed below;
 * - the block `html` and the program below it are opened in a browser, if there is one;
 * - blocks `toml` and `mermaid` are compared with files and with the database.
 */
import { assertEquals } from "@std/assert";
import configuration from "../deno.json" with { type: "json" };
import { platformLimits } from "../lib/local/isolate_limits.ts";
import { codeSpans, readTable } from "./readme/blocks.ts";
import { blockOf, blocks, readme, root } from "./readme/readme.ts";

const read = (path: string) => Deno.readTextFileSync(new URL(path, root));

/** Each command of the page, and where it is run or why it is not. */
const commands: Record<string, string> = {
  "npx -y deno@2.9.6 task demo": "tests/readme/stack_test.ts runs the task",
  "npx -y deno@2.9.6 task test": "runs this test; .ci/run runs it as it stands",
  "npx -y deno@2.9.6 task dev": "tests/readme/stack_test.ts runs the task's program",
  'curl -X POST "$SUPABASE_URL/functions/v1/greet_user" -H "apikey: $SUPABASE_SECRET_KEY"':
    "tests/readme/stack_test.ts",
  "deno task compile greet_user --stdout": "tests/readme/stack_test.ts",
  "deno task test": "runs this test",
  "deno task test pgtap": "would run tests within tests",
  "deno task test deno map": "would run tests within tests",
  "deno task test:edge": "runs under .ci/run",
  "deno task test chaos": "runs under .ci/run",
  "deno task test pooler": "runs under .ci/run",
  "deno task soak": "takes hours",
  "deno task ok": "runs under .ci/run",
  "deno task bench": "takes minutes, and all of the machine",
  "deno task bench maps": "takes minutes, and all of the machine",
  "npx supabase@3.1.0 start": "needs Docker",
  "npx supabase@3.1.0 functions serve": "needs Docker",
  "npx supabase@3.1.0 link --project-ref <ref>": "needs a hosted project",
  "npx supabase@3.1.0 db push":
    "needs a hosted project; tests/sql/supabase_cli_test.ts applies the same files with the CLI",
  "npx supabase@3.1.0 functions deploy": "needs a hosted project",
};

Deno.test("README.md: the first screen has at most 45 lines, code of a real file first", () => {
  const [flow] = blocks;
  const chart = blocks.find(({ language }) => language === "mermaid")!;
  const end = readme.split("\n").indexOf("```", chart.line) + 1;

  assertEquals(flow!.text, read("flows/greet_user.ts"));
  assertEquals(end <= 45, true, `it has ${end} lines`);
});

Deno.test("README.md: every block is of a kind that a test looks at", () => {
  const kinds = new Set(blocks.map(({ language }) => language));

  assertEquals(
    [...kinds].sort(),
    ["html", "json", "mermaid", "sh", "sh supabase", "sql", "text", "toml", "ts"],
  );
});

Deno.test("README.md: every command is listed, with where it is run", () => {
  const found = blocks.filter(({ language }) => language.startsWith("sh"))
    .flatMap(({ text }) => text.trim().split("\n"))
    .map((line) => line.replace(/\s+#.*$/, ""));

  assertEquals(found.sort(), Object.keys(commands).sort());
  const ci = read(".ci/run");
  for (const command of found.filter((line) => commands[line]!.includes(".ci/run"))) {
    assertEquals(ci.includes(command.replace(/^deno /, "npx -y deno@2.9.6 ")), true, command);
  }
  const cli = /supabase@[\d.]+/.exec(read("tests/sql/supabase_cli_test.ts"))![0];
  assertEquals([...new Set(readme.match(/supabase@\d[\d.]*\d/g))], [cli]);
});

Deno.test("README.md: every task exists", () => {
  const mentioned = [...readme.matchAll(/(?:deno(?:@[\d.]+)?) task ([\w:]+)/g)].map((x) => x[1]!);
  const missing = mentioned.filter((name) => !(name in configuration.tasks));

  assertEquals(missing, []);
  assertEquals(mentioned.length > 10, true);
});

Deno.test("README.md: every path exists, in the text and in the layout", () => {
  const isPath = /^(flows|functions|lib|supabase|tests|\.ci)\/[\w./<>*-]*$/;
  const spans = codeSpans(readme);
  const layout = blockOf("Layout", "text").text.trim().split("\n").map((line) =>
    line.split(" ")[0]!
  );
  const stages = spans.filter((span) => /^\d\d_[a-z_]+$/.test(span))
    .map((name) => `supabase/schemas/${name}.sql`);
  const paths = [...spans.filter((span) => isPath.test(span) && !span.includes("<")), ...layout];
  const missing = [...paths, ...stages].filter((path) => !exists(path));

  assertEquals(missing, []);
  assertEquals(layout.length >= 10 && stages.length >= 9, true);
});

Deno.test("README.md: every link within the page leads somewhere", () => {
  const headings = [...readme.matchAll(/^#+ (.*)$/gm)].map((match) =>
    match[1]!.toLowerCase().replaceAll(" ", "-")
  );
  const missing = [...readme.matchAll(/\]\(#([^)]+)\)/g)].map((match) => match[1]!)
    .filter((anchor) => !headings.includes(anchor));

  assertEquals(missing, []);
});

Deno.test("README.md: the edge function and its configuration are those of the tree", () => {
  assertEquals(blockOf("Serve it", "ts").text, read("functions/greet_user/index.ts"));
  assertEquals(read("supabase/config.toml").includes(blockOf("Serve it", "toml").text), true);
});

Deno.test("README.md: the options are those of lib/worker/options.ts, with their defaults", () => {
  const [, body] = /interface WorkerOptions \{\n([\s\S]*?)\n\}/.exec(
    read("lib/worker/options.ts"),
  )!;
  const options = [...body!.matchAll(/\/\*\*([\s\S]*?)\*\/\s+(\w+)\?:/g)].map((match) => [
    match[2],
    /@default \{(.*)\}/.exec(match[1]!)?.[1] ?? "–",
  ]);
  const rows = readTable(readme, "Configuration").map(([name, value]) => [
    name!.replaceAll("`", ""),
    value!.replaceAll("`", ""),
  ]);

  assertEquals(rows, options);
});

Deno.test("README.md: the options of flows have the defaults of lib/dsl", () => {
  const defaults = [
    ...(read("lib/dsl/flow_options.ts") + read("lib/dsl/step_options.ts"))
      .matchAll(/@default \{(\d+)\}\s+\*\/\s+readonly (\w+)\?:/g),
  ].map((match) => [match[2], match[1]]);
  const said = [...readme.matchAll(/`(\w+)` \((\d+)\b/g)].map((match) => [match[1], match[2]]);

  assertEquals(said, defaults);
  const names = ["maxAttempts", "baseDelay", "timeout", "retryJitter", "startDelay"];
  assertEquals(said.map(([name]) => name), names);
});

Deno.test("README.md: the environment variables are those that the sources read", () => {
  const named = readTable(readme, "Configuration", 1).flatMap(([names]) => codeSpans(names!));
  const sources = [...files("lib/worker/"), ...files("lib/local/"), "tests/run.ts"]
    .concat(files("tests/bench/"), files("tests/chaos/")).map(read).join("\n");
  const found = sources.matchAll(/\benv\.(?:get\("|has\(")?([A-Z][A-Z_]{2,})\b/g);
  // Set by the local stack for its own processes, or by the shell.
  const internal = ["PGFLOW_ISOLATE", "HOME", "SUPABASE_URL", "BENCH_IDLE_SECONDS"];
  const variables = new Set([...found].map((match) => match[1]!));

  assertEquals(
    named.toSorted(),
    [...variables].filter((name) => !internal.includes(name)).sort(),
  );
});

Deno.test("README.md: the limits of the local stack are those of its functions host", () => {
  const { wallClock, cpuSoft, cpuHard, memory } = platformLimits;
  const [, section = ""] = /^## The local stack\n([\s\S]*?)\n## /m.exec(readme) ?? [];

  const said = /(\d+) s of wall\sclock, (\d+) s of CPU and (\d+) MB[\s\S]*? or (\d+) s of CPU/
    .exec(section)!.slice(1).map(Number);

  assertEquals(said, [wallClock / 1000, cpuHard / 1000, memory / 1024 / 1024, cpuSoft / 1000]);
});

Deno.test("README.md: the dependencies are those of deno.json", () => {
  const rows = readTable(readme, "Dependencies").map(([name]) => name!.replaceAll("`", ""));
  const npm = Object.entries(configuration.imports).filter(([, to]) => to.startsWith("npm:"));

  assertEquals(rows.toSorted(), npm.map(([name]) => name).sort());
});

Deno.test("README.md: what is said not to be there yet is not there", () => {
  const isThere: Record<string, boolean> = {
    "A package": false,
    "Proof on the platform": false,
    "A worker's CPU": read("lib/worker/platform.ts").includes("cpuUsage"),
  };
  const section = readme.split("## Not there yet")[1]!.split("\n## ")[0]!;
  const named = [...section.matchAll(/^- \*\*(.+?)\*\*/gm)].map((match) => match[1]!);

  assertEquals(named, Object.keys(isThere));
  assertEquals(named.filter((name) => isThere[name]), []);
});

Deno.test("README.md: the benchmark's table follows its command, and the license is named", () => {
  const [, section = ""] = /^## Benchmarks\n\n([\s\S]*?)\n## /m.exec(readme) ?? [];
  const rows = section.match(/^\| [a-zA-Z].*\|$/gm) ?? [];
  assertEquals([/`[^`]*deno task bench`/.test(section), rows[0]?.split(/\s*\|\s*/).slice(1, 5)], [
    true,
    ["what", "measured", "unit", "to reach"],
  ]);
  assertEquals(rows.length > 30, true);
  assertEquals(read("LICENSE").includes("Apache License"), true);
});

function files(folder: string, ending = ".ts"): string[] {
  return Array.from(Deno.readDirSync(new URL(folder, root)))
    .filter(({ name }) => name.endsWith(ending))
    .map(({ name }) => folder + name);
}

function exists(path: string): boolean {
  try {
    Deno.statSync(new URL(path, root));
    return true;
  } catch {
    return false;
  }
}
