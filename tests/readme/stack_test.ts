import { assertEquals, assertMatch } from "@std/assert";
import postgres from "postgres";
import { runProgram } from "../local/program.ts";
import { tempProject } from "../local/temp_project.ts";
import { blockOf, blocks, outputOf, withoutChance } from "./readme.ts";

const decoder = new TextDecoder();
/** What the page calls `supabase` where it does not say what it is. */
const prelude = `
  import { createClient } from "@supabase/supabase-js";
  const supabase = createClient(
    Deno.env.get("SUPABASE_URL")!,
    Deno.env.get("SUPABASE_SECRET_KEY")!,
  );
`;
const typescript = blocks.filter(({ language }) => language === "ts").map((block) => ({
  ...block,
  text: /supabase\.rpc/.test(block.text) && !block.text.includes("createClient")
    ? prelude + block.text
    : block.text,
}));

Deno.test("README.md: the TypeScript type-checks", async () => {
  await using project = await tempProject();
  const files = typescript.map(({ text, line }) => {
    const [, folder = ""] = /from "(\.\.\/(?:\.\.\/)?)\w/.exec(text) ?? [];
    const place = { "": "", "../": "app/", "../../": "functions/readme/" }[folder];
    return { name: `${place}line_${line}.ts`, text };
  });
  for (const { name, text } of files) await project.write(name, text);

  const checked = await run(project.path, Deno.execPath(), [
    "check",
    ...files.map(({ name }) => name),
  ]);

  assertEquals(checked.code, 0, checked.errors);
  assertEquals(files.length >= 5, true);
});

Deno.test("README.md: the flow compiles to what stands below the command", async () => {
  await using project = await tempProject();

  const { text, errors } = await task(project.path, blockOf("Compile", "sh").text);

  assertEquals(text, blockOf("Compile", "sql").text, errors);
});

Deno.test("README.md: the demo's task ends with a completed run", async () => {
  await using project = await tempProject();

  const { code, text, errors } = await task(project.path, "deno task demo");

  assertEquals(code, 0, errors);
  assertMatch(text, /^Run [0-9a-f-]{36} completed in [\d.]+ s$/m);
});

Deno.test("README.md: on the local stack, runs start as shown and complete", async () => {
  await using project = await tempProject();
  const dev = new URL("lib/local/dev.ts", project.root);
  await using stack = runProgram(dev, { root: project.root, env: { PGFLOW_PORT: "0" } });
  const value = async (name: string) => (await stack.line(name)).split(/\s{2,}/)[1]!;
  const env = {
    SUPABASE_URL: await value("API URL"),
    SUPABASE_SECRET_KEY: await value("Secret key"),
  };
  await stack.line("function greet_user");

  const curl = blockOf("Serve it", "sh");
  const answer = await run(project.path, "sh", ["-c", `${curl.text.trim()} -s`], env);
  assertEquals(
    withoutChance(JSON.stringify(JSON.parse(answer.text))),
    withoutChance(JSON.stringify(JSON.parse(outputOf(curl)!.text))),
  );

  const starting = typescript.filter(({ text }) =>
    /supabase\.rpc|createClient\(/.test(text) && !text.includes("document.")
  );
  assertEquals(starting.map(({ section }) => section), [
    "",
    "Start runs",
    "In an app",
    "Watch runs",
  ]);
  for (const { text, line } of starting) {
    await project.write(`line_${line}.ts`, text);
    const { code, text: shown, errors } = await run(project.path, Deno.execPath(), [
      "run",
      "-A",
      `line_${line}.ts`,
    ], env);
    assertEquals(code, 0, errors);
    assertEquals(shown, outputOf(blocks.find((block) => block.line === line)!)?.text ?? "");
  }
  assertEquals(await outputs(await value("Database URL"), starting.length), [
    { greeting: "Hello, Ada Lovelace!" },
    { greeting: "Hello, Grace Hopper!" },
    { greeting: "Hello, Edsger Dijkstra!" },
    { greeting: "Hello, Barbara Liskov!" },
  ]);

  stack.kill("SIGINT");
  const { lines, code } = await stack.ended;
  assertEquals(code, 130);
  const summary = withoutChance(blockOf("The local stack", "text").text);
  assertEquals(withoutChance(lines.join("\n")).startsWith(summary), true, lines.join("\n"));
});

/** The outputs of so many runs when all have completed. */
async function outputs(url: string, count: number): Promise<unknown[]> {
  const sql = postgres(url, { max: 1 });
  try {
    for (;;) {
      const rows = await sql`
        select output from pgflow.runs where status <> 'started' order by started_at`;
      if (rows.length === count) return rows.map((row) => row.output);
    }
  } finally {
    await sql.end();
  }
}

/** Runs a command of the page that is a task. */
function task(cwd: string, command: string) {
  const [, ...args] = command.trim().split(" ");
  return run(cwd, Deno.execPath(), args);
}

async function run(cwd: string, command: string, args: string[], env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await new Deno.Command(command, {
    args,
    cwd,
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
  }).output();
  return { code, text: decoder.decode(stdout), errors: decoder.decode(stderr) };
}
