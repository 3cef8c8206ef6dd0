import { assertEquals } from "@std/assert";
import { Flow, PermanentError, type StandardSchema, type StepOptions } from "../../lib/dsl/mod.ts";
import { createLogger } from "../../lib/worker/logger.ts";
import { runWorker } from "../../lib/worker/mod.ts";
import { Patience } from "../../lib/worker/patience.ts";
import { testDatabase } from "../database.ts";
import { codeSpans, readTable } from "./blocks.ts";
import { blockOf, outputOf, readme, withoutChance } from "./readme.ts";

type Handler = (payload: unknown, context: { signal: AbortSignal }) => null | Promise<null>;

const nothing = new Promise<null>(() => {});
const wrong = (value: unknown) => value as null;

Deno.test("README.md: each message about failures, and each line of log, was said", async () => {
  await using database = await testDatabase();
  const { sql, url } = database;
  const said: string[] = [];
  const json: string[] = [];
  const toText = createLogger({ PGFLOW_LOG_LEVEL: "debug" }, (_, line) => said.push(line));
  const toJson = createLogger({ PGFLOW_LOG_FORMAT: "json" }, (_, line) => json.push(line));
  const options = {
    databaseUrl: url,
    idleSeconds: 0,
    maxOutputBytes: 1000,
    heartbeatSeconds: 0.02,
  };
  const work = (handler: Handler, step: StepOptions = {}, logger = toText) =>
    runWorker(
      new Flow<{ card: string }>({ slug: "charge_card", maxAttempts: 1, timeout: 1, ...step })
        .step("charge", handler),
      { ...options, logger },
    );
  const start = async () => {
    const [run] = await sql`select run_id from pgflow.start_flow('charge_card', '{"card": "1"}')`;
    return run!.run_id as string;
  };
  const note = async (run: string) => {
    const [row] = await sql`select error_message from pgflow.runs where run_id = ${run}`;
    const failures =
      await sql`select error_message from pgflow.task_failures where run_id = ${run}`;
    said.push(row!.error_message, ...failures.map((failure) => failure.error_message));
  };
  const fail = async (...args: Parameters<typeof work>) => {
    const run = await start();
    await work(...args).done;
    await note(run);
  };
  const ask = async (statement: string) => {
    try {
      const [row] = await sql.unsafe(statement);
      said.push(...Object.values(row ?? {}).map(String));
    } catch (error) {
      said.push((error as Error).message);
    }
  };
  const throws = () => {
    throw new Error("no such customer");
  };
  await work(() => null).done;

  await fail(throws);
  await fail(throws, {}, toJson);
  await fail(() => {
    throw new PermanentError("card was declined");
  });
  await fail(() => nothing);
  const issue = { path: ["seats"], message: "expected a number" };
  const validate = () => ({ issues: [issue] });
  const refusing: StandardSchema = { "~standard": { version: 1, vendor: "test", validate } };
  const signup = new Flow<null>({ slug: "signup", input: refusing as StandardSchema<null> })
    .step("charge", () => null);
  await runWorker(signup, { ...options, logger: toText }).done;
  const [signedUp] = await sql`select run_id from pgflow.start_flow('signup', 'null')`;
  await runWorker(signup, { ...options, logger: toText }).done;
  await note(signedUp!.run_id);
  await fail(() => wrong({ at: new Date(0) }));
  await fail(() => wrong("x".repeat(2000)));

  const lost = await start();
  const poll = () =>
    sql`select from pgflow.poll_for_tasks('charge_card', 0, 1, 0,
    worker_id => gen_random_uuid())`;
  await poll();
  await sql`update pgmq.q_charge_card set vt = clock_timestamp()`;
  await poll();
  await note(lost);

  const waiting = await start();
  await ask(`select reason from pgflow.why('${waiting}')`);
  const begun = Promise.withResolvers<void>();
  const worker = work(() => (begun.resolve(), nothing), { timeout: 60 });
  await begun.promise;
  await worker.stop();

  const cancelled = Promise.withResolvers<void>();
  const holding = work(() => (cancelled.resolve(), nothing), { timeout: 60 });
  await cancelled.promise;
  await sql`select pgflow.cancel_run(${waiting})`;
  await holding.done;

  await runWorker(
    new Flow({ slug: "charge_card" }).step("charge", () => 1).step("more", ["charge"], () => 2),
    { ...options, logger: toText },
  ).done.catch(() => {});
  await ask("select pgflow.start_flow('nope', '{}')");
  await ask(`select pgflow.start_flow('charge_card', '1', idempotency_key => 'a')`);
  await ask(`select pgflow.start_flow('charge_card', '2', idempotency_key => 'a')`);

  const away = new Patience(60, toText, AbortSignal.abort());
  await away.failed(new Error("connection refused"));
  away.succeeded();
  const given = new Patience(0, toText, AbortSignal.abort());
  await given.failed(new Error("connection refused")).catch((error) => said.push(error.message));

  await sql.unsafe(`
    create or replace function pgflow.schema_version() returns text language sql
    as 'select ''0.0.9''::text'`);
  await work(() => null).done.catch(() => {});

  const table = readTable(readme, "What happens when things fail");
  const messages = codeSpans(table.flat().join("\n")).filter((span) => span.includes(" "));
  const unsaid = messages.filter((message) =>
    !said.some((line) => line.includes(startOf(message)))
  );
  assertEquals(unsaid, []);
  assertEquals([table.length, messages.length > 12], [15, true]);

  const lines = said.map(withoutChance);
  const line = blockOf("See what is going on", "text", 2);
  assertEquals(lines.includes(withoutChance(line.text).trim()), true, line.text);
  const shown = withoutChance(JSON.stringify(JSON.parse(outputOf(line)!.text)));
  assertEquals(json.map(withoutChance).includes(shown), true, json.join("\n"));
});

/** What stands before three dots. */
function startOf(message: string): string {
  return message.replace(/…$/, "");
}
