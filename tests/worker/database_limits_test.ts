import { assert, assertEquals } from "@std/assert";
import { Flow, type Logger } from "../../lib/dsl/mod.ts";
import { type WorkerFixture, workerFixture } from "./worker_fixture.ts";

const flow = new Flow<number>({ slug: "limited" })
  .step("first", ({ run }) => run)
  .step("second", ["first"], ({ first }) => first);

/** A logger that calls back when the database has been in trouble so many times. */
function onTrouble(times: number, callback: () => unknown): { logger: Logger; lines: string[] } {
  const lines: string[] = [];
  const note = (message: string) => {
    lines.push(message);
    if (message.startsWith("database trouble") && --times === 0) callback();
  };
  return { logger: { debug: () => {}, info: note, warn: note, error: note }, lines };
}

/** Changes a setting of the test's database, for connections to come. */
async function alterDatabase({ sql }: WorkerFixture, change: string): Promise<void> {
  // The change may be one that makes what comes after it read-only.
  await sql.begin("read write", async (sql) => {
    const [row] = await sql`select current_database() as name`;
    await sql.unsafe(`alter database ${row!.name} ${change}`);
  });
}

// Each is about what a new connection meets; a pooler goes on with those that it has.
Deno.test("a worker that meets a read-only server connects anew until it meets another", async () => {
  await using it = await workerFixture({ direct: true });
  await it.compile(flow);
  const runId = await it.startRun("limited", 1);
  await alterDatabase(it, "set default_transaction_read_only = on");
  const { logger, lines } = onTrouble(
    2,
    () => alterDatabase(it, "reset default_transaction_read_only"),
  );

  await it.start(flow, { logger }).done;

  assertEquals((await it.picture(runId)).output, { second: 1 });
  assert(lines[0]!.includes("read-only transaction"), lines[0]);
  assertEquals(lines.slice(2), ["database is back", "worker started", "worker stopped"]);
});

Deno.test("a worker whose waits are cut by a statement timeout goes on working", async () => {
  await using it = await workerFixture({ direct: true });
  await it.compile(flow);
  await alterDatabase(it, "set statement_timeout = '200ms'");
  const enough = Promise.withResolvers<void>();
  const { logger, lines } = onTrouble(2, () => enough.resolve());

  const worker = it.start(flow, { logger, idleSeconds: Infinity, giveUpSeconds: 1 });
  await enough.promise;
  const runId = await it.startRun("limited", 1);
  while ((await it.picture(runId)).status === "started");
  await worker.stop();

  assertEquals((await it.picture(runId)).output, { second: 1 });
  assertEquals(lines.filter((line) => line.startsWith("Cannot")), []);
});

Deno.test("a worker waits for a free connection", async () => {
  await using it = await workerFixture({ direct: true });
  await it.compile(flow);
  const runId = await it.startRun("limited", 1);
  const role = `limited_${crypto.randomUUID().slice(0, 8)}`;
  await it.sql.unsafe(`create role ${role} login password 'p' connection limit 0`);
  await it.sql.unsafe(`grant ${new URL(it.url).username} to ${role}`);
  const url = new URL(it.url);
  url.username = role;
  url.password = "p";
  const more = () => it.sql.unsafe(`alter role ${role} connection limit -1`).execute();
  const { logger, lines } = onTrouble(2, more);

  try {
    await it.start(flow, { databaseUrl: url.href, logger }).done;
  } finally {
    await it.sql.unsafe(`drop role ${role}`);
  }

  assertEquals((await it.picture(runId)).output, { second: 1 });
  assert(lines[0]!.includes("too many connections"), lines[0]);
  assertEquals(lines.slice(2), ["database is back", "worker started", "worker stopped"]);
});
