import { assertEquals } from "@std/assert";
import { type TestDatabase, testDatabase } from "../database.ts";
import { openSession, type Session, untilBlocked } from "./session.ts";

const workerId = (n: number) => `30000000-0000-4000-8000-00000000000${n}`;

async function acquire(session: Session, n: number): Promise<string> {
  const [row] = await session.sql`
    select pgflow.acquire_worker(${workerId(n)}, 'serve', array['single']) as holder`;
  return row!.holder;
}

async function calls(database: TestDatabase): Promise<number> {
  const [row] = await database.sql`select count(*)::int as calls from net.http_request_queue`;
  return row!.calls;
}

async function startedSingle(): Promise<TestDatabase> {
  const database = await testDatabase();
  await database.sql`select pgflow_tests.setup_flow('single')`;
  await database.sql`select pgflow.install_watchdog('http://127.0.0.1:1', 'sb_secret_x')`;
  return database;
}

Deno.test("acquire_worker() gives the lease to one of two that ask at once", async () => {
  await using database = await testDatabase();
  await using one = await openSession(database);
  await using two = await openSession(database);

  await one.begin();
  const first = await acquire(one, 1);
  const second = acquire(two, 2);
  await untilBlocked(database, two, second);
  await one.commit();

  assertEquals([first, await second], [workerId(1), workerId(1)]);
  assertEquals(
    [...await database.sql`select worker_id from pgflow.workers`],
    [{ worker_id: workerId(1) }],
  );
});

Deno.test("a start that is not committed holds up no other start, call or worker", async () => {
  await using database = await startedSingle();
  await using one = await openSession(database);
  await using two = await openSession(database);
  await two.sql`set lock_timeout = '200ms'`;

  await one.begin();
  await one.sql`select pgflow.start_flow('single', '1')`;
  await two.sql`select pgflow.start_flow('single', '2')`;
  await two.sql`select pgflow.ensure_workers()`;
  const holder = await acquire(two, 1);
  const before = await calls(database);
  await one.commit();

  assertEquals([holder, before, await calls(database)], [workerId(1), 0, 1]);
});

Deno.test("hundreds of starts at once call the function once", async () => {
  await using database = await startedSingle();
  const sessions = await Promise.all(Array.from({ length: 20 }, () => openSession(database)));

  await Promise.all(sessions.map(async ({ sql }) => {
    for (let i = 0; i < 15; i++) await sql`select pgflow.start_flow('single', ${i})`;
  }));
  await Promise.all(sessions.map((session) => session[Symbol.asyncDispose]()));

  const [runs] = await database.sql`select count(*)::int as runs from pgflow.runs`;
  assertEquals([runs!.runs, await calls(database)], [300, 1]);
});

Deno.test("starts and the watchdog do without pg_net, pg_cron and Vault", async (test) => {
  for (const missing of [["net"], ["vault"], ["net", "vault", "cron"]]) {
    await test.step(missing.join(", "), async () => {
      await using database = await startedSingle();
      const { sql } = database;
      for (const schema of missing) await sql`drop schema ${sql(schema)} cascade`;

      await sql`select pgflow.start_flow('single', '1')`;
      await sql`select pgflow.start_flows('single', '[1, 2]')`;
      const called = await sql`select * from pgflow.ensure_workers()`;
      const problems = await sql`select problem from pgflow.install_watchdog()`;
      const [removed] = await sql`select pgflow.remove_watchdog() as removed`;

      assertEquals([...called], []);
      const named = { net: "pg_net", vault: "Vault", cron: "pg_cron" };
      assertEquals(
        problems.map((row) => row.problem),
        missing.map((name) => `${named[name as keyof typeof named]} is not there`),
      );
      assertEquals(removed!.removed, !missing.includes("cron"));
    });
  }
});

Deno.test("a call that fails fails no start, and is made again later", async () => {
  await using database = await startedSingle();
  const { sql } = database;
  await sql`alter table net.http_request_queue rename to elsewhere`;

  await sql`select pgflow.start_flow('single', '1')`;
  await sql`alter table net.elsewhere rename to http_request_queue`;
  await sql`select pgflow.ensure_workers()`;

  const [row] = await sql`select count(*)::int as runs from pgflow.runs`;
  assertEquals([row!.runs, await calls(database)], [1, 1]);
});
