import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Flow, type Logger, PgflowError } from "../../lib/dsl/mod.ts";
import { tcpProxy } from "../db/tcp_proxy.ts";
import { workerFixture } from "./worker_fixture.ts";

/** A logger that calls back when the database is in trouble, with how often it was in a row. */
function onTrouble(callback: (times: number) => void): { logger: Logger; lines: string[] } {
  const lines: string[] = [];
  let times = 0;
  const note = (message: string) => {
    lines.push(message.replace(/: .*/, ""));
    if (message.startsWith("database trouble")) callback(++times);
    else times = 0;
  };
  return { logger: { debug: () => {}, info: note, warn: note, error: note }, lines };
}

Deno.test("results are kept while the database is away, and recorded when it is back", async () => {
  await using it = await workerFixture();
  await using proxy = tcpProxy(it.url);
  let handled = 0;
  const flow = new Flow<number>({ slug: "steady" })
    .step("first", ({ run }) => {
      // The third of ten claimed tasks takes the database away, with results on their way.
      if (++handled === 3) proxy.cut();
      return run;
    })
    .step("second", ["first"], ({ first }) => first);
  await it.compile(flow);
  const runs = [];
  for (let i = 0; i < 10; i++) runs.push(await it.startRun("steady", i));
  const { logger, lines } = onTrouble((times) => times === 3 && proxy.mend());

  await it.start(flow, { databaseUrl: proxy.url, logger }).done;

  const outputs = [];
  for (const runId of runs) outputs.push((await it.picture(runId)).output);
  assertEquals(outputs, runs.map((_, i) => ({ second: i })));
  const [tasks] = await it.sql`
    select count(*)::int as tasks, sum(attempts_count)::int as attempts from pgflow.step_tasks`;
  assertEquals({ ...tasks, handled }, { tasks: 20, attempts: 20, handled: 10 });
  assertEquals(lines, [
    "worker started",
    "database trouble",
    "database trouble",
    "database trouble",
    "database is back",
    "worker stopped",
  ]);
});

Deno.test("connections that end again and again lose no task and settle none twice", async () => {
  await using it = await workerFixture();
  let handled = 0;
  const flow = new Flow<number>({ slug: "shaky", timeout: 1, maxAttempts: 9 })
    .step("first", async ({ run }) => {
      if (++handled % 5 === 0) {
        await it.sql`
          select pg_terminate_backend(pid) from pg_stat_activity
          where application_name = 'pgflow:shaky' and datname = current_database()`;
      }
      return run;
    })
    .step("second", ["first"], ({ first }) => first);
  await it.compile(flow);
  const runs: string[] = [];
  for (let i = 0; i < 12; i++) runs.push(await it.startRun("shaky", i));

  const worker = it.start(flow, { idleSeconds: Infinity, maxConcurrent: 5 });
  const open = async () => {
    const [row] = await it.sql`
      select count(*)::int as open, pg_sleep(0.02) from pgflow.runs where status = 'started'`;
    return row!.open > 0;
  };
  while (await open());
  await worker.stop();

  const outputs = [];
  for (const runId of runs) outputs.push((await it.picture(runId)).output);
  assertEquals(outputs, runs.map((_, i) => ({ second: i })));
  assertEquals((await it.sql`select * from pgflow.broken_invariants`).length, 0);
});

Deno.test("the worker waits for a database that is away at its start", async () => {
  await using it = await workerFixture();
  await using proxy = tcpProxy(it.url);
  const flow = new Flow<number>({ slug: "late" }).step("act", () => 1);
  proxy.cut();
  const { logger, lines } = onTrouble((times) => times === 2 && proxy.mend());

  await it.start(flow, { databaseUrl: proxy.url, logger }).done;

  assertEquals(lines, [
    "database trouble",
    "database trouble",
    "database is back",
    "worker started",
    "worker stopped",
  ]);
});

Deno.test("the worker gives up, loudly, when the database stays away", async () => {
  await using it = await workerFixture();
  await using proxy = tcpProxy(it.url);
  const flow = new Flow<number>({ slug: "lost" }).step("act", () => {
    proxy.cut();
    return 1;
  });
  await it.compile(flow);
  await it.startRun("lost", 1);

  const worker = it.start(flow, { databaseUrl: proxy.url, giveUpSeconds: 0.4 });
  const error = await assertRejects(() => worker.done, PgflowError);

  assertStringIncludes(error.message, "Cannot go on without the database: ");
  assertStringIncludes(error.hint!, "giveUpSeconds");
  assertEquals(worker.state, "stopped");
  assert(it.lines.includes(`error ${error.message}`));
});

Deno.test("a result that the database refuses fails its own task and no other", async () => {
  await using it = await workerFixture();
  const flow = new Flow<string>({ slug: "poison", maxAttempts: 1 }).step("act", ({ run }) => run);
  await it.compile(flow);
  await it.sql`
    alter table pgflow.step_tasks
    add constraint no_poison check (output is distinct from '"poison"'::jsonb)`;
  const inputs = ["a", "b", "poison", "c", "d"];
  const runs = [];
  for (const input of inputs) runs.push(await it.startRun("poison", input));

  await it.start(flow).done;

  const pictures = [];
  for (const runId of runs) pictures.push(await it.picture(runId));
  assertEquals(
    pictures.map(({ status, output }) => [status, output]),
    inputs.map((act) => act === "poison" ? ["failed", null] : ["completed", { act }]),
  );
  assertStringIncludes(
    pictures[2]!.tasks["act[0]"]![1]!,
    '[type] Cannot store output of step "act": new row for relation "step_tasks" violates',
  );
});
