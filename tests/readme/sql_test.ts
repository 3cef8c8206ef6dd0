import { assertEquals } from "@std/assert";
import { type AnyFlow, hostedFlows } from "../../lib/dsl/mod.ts";
import { runWorker } from "../../lib/worker/mod.ts";
import { testDatabase } from "../database.ts";
import { blockOf, blocks, outputOf } from "./readme.ts";
import { showRows } from "./show_rows.ts";

const logger = { debug() {}, info() {}, warn() {}, error() {} };

Deno.test("README.md: the SQL does what stands below it, while a worker works", async () => {
  await using database = await testDatabase();
  const { sql, url } = database;
  const flows = await flowsOfReadme();
  const work = () => runWorker(flows, { databaseUrl: url, idleSeconds: 0, logger }).done;

  let outputs = 0;
  for (const block of blocks.filter(({ language }) => language === "sql")) {
    await work();
    let shown = "";
    for (const { statement, value } of statementsOf(block.text)) {
      if (value !== undefined) await work();
      shown = await showRows(sql, statement);
      if (value !== undefined) assertEquals(shown.split("\n")[2]!.trim(), value);
    }
    const output = outputOf(block);
    if (output !== undefined) assertEquals(shown, output.text, `line ${output.line}`);
    if (output !== undefined) outputs++;
  }

  assertEquals(outputs >= 8, true);
  const [left] = await sql`
    select to_regnamespace('pgflow') as pgflow, to_regproc('public.start_flow') as start_flow,
      to_regnamespace('pgmq')::text as pgmq`;
  assertEquals({ ...left }, { pgflow: null, start_flow: null, pgmq: "pgmq" });
});

Deno.test("README.md: a start wakes the flow's function, and pg_cron what it missed", async () => {
  await using database = await testDatabase();
  const { sql, url } = database;
  await runWorker(await flowsOfReadme(), { databaseUrl: url, idleSeconds: 0, logger }).done;
  await sql.unsafe(blockOf("On Supabase", "sql").text);
  const [job] = await sql`select schedule, command from cron.job where jobname = 'pgflow watchdog'`;
  const requests = async (work: string) => {
    await sql`update pgflow.functions set woken_at = null where true`;
    await sql.unsafe(work);
    return [...await sql`delete from net.http_request_queue returning url, headers`];
  };
  const request = {
    url: "https://<ref>.supabase.co/functions/v1/greet_user",
    headers: { apikey: "sb_secret_…", "Content-Type": "application/json" },
  };

  assertEquals(job!.schedule, "10 seconds");
  assertEquals(await requests(job!.command), []);
  assertEquals(await requests("select pgflow.start_flow('greet_user', '{}')"), [request]);
  assertEquals(await requests(job!.command), [request]);
  await sql`select pgmq.purge_queue('greet_user')`;
  const later = "select pgflow.start_flow('greet_user', '{}', start_at => now() + interval '1 h')";
  assertEquals(await requests(later), []);
  assertEquals(await requests(job!.command), []);
  await sql`update pgflow.step_tasks set due_at = now() where due_at is not null`;
  assertEquals(await requests(job!.command), [request]);
});

/** The flows that the page defines, with those that they start. */
async function flowsOfReadme(): Promise<AnyFlow[]> {
  const texts = blocks.filter(({ language, text }) => language === "ts" && /new Flow</.test(text));
  const modules = await Promise.all(
    texts.map(({ text }) => import(`data:application/typescript,${encodeURIComponent(text)}`)),
  );
  return hostedFlows(modules.flatMap((module) => Object.values(module) as AnyFlow[]));
}

/** A statement, and the value that stands behind it as a comment. */
function statementsOf(text: string): { statement: string; value?: string }[] {
  const statements = [];
  let statement = "";
  for (const line of text.split("\n")) {
    const [, code = line, value] = /^(.*;)(?:\s+-- (.*))?$/.exec(line) ?? [];
    statement += `${code}\n`;
    if (!code.endsWith(";")) continue;
    statements.push(value === undefined ? { statement } : { statement, value });
    statement = "";
  }
  return statements;
}
