import { assert, assertEquals, assertRejects } from "@std/assert";
import { connect, type Db, isConnectionLost } from "../../lib/db/mod.ts";
import { testDatabase } from "../database.ts";
import { tcpProxy } from "./tcp_proxy.ts";

const SHAPE = { steps: [{ step_slug: "only", deps_slugs: [] }] };
const WORKER = "00000000-0000-4000-8000-000000000001";
const WAIT = { queueNames: ["flow"], maxSeconds: 5, pollIntervalMs: 25 };

function poll(db: Db) {
  return db.pollForTasks({ queueName: "flow", qty: 10, workerId: WORKER });
}

async function connections(sql: Awaited<ReturnType<typeof testDatabase>>["sql"]): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    select count(*)::int as count
    from pg_stat_activity
    where datname = current_database() and application_name = 'lanes'`;
  return row!.count;
}

/** Resolves when a wait has begun in the database. */
async function untilWaiting(sql: Awaited<ReturnType<typeof testDatabase>>["sql"]): Promise<void> {
  for (let waiting = 0; waiting === 0;) {
    const [row] = await sql<{ count: number }[]>`
      select count(*)::int as count
      from pg_stat_activity
      where datname = current_database() and query ilike '%call pgflow.wait_for_tasks%'
        and state = 'active' and pid <> pg_backend_pid()`;
    waiting = row!.count;
  }
}

Deno.test("settleTasks() and pollForTasks() share one round trip", async () => {
  await using database = await testDatabase({ direct: true });
  await using proxy = tcpProxy(database.url, { delay: 10 });
  const db = connect(proxy.url, { applicationName: "lanes" });
  await db.ensureFlowCompiled("flow", SHAPE);
  await db.startFlow({ flowSlug: "flow", input: 1 });
  await db.startFlow({ flowSlug: "flow", input: 2 });
  const settleAndPoll = (tasks: Awaited<ReturnType<typeof poll>>) =>
    Promise.all([
      db.settleTasks(tasks.map((task) => ({ ...task, outputJson: "1" }))),
      poll(db),
    ]);
  const tasks = await db.pollForTasks({ queueName: "flow", qty: 1, workerId: WORKER });
  const [, more] = await settleAndPoll(tasks);
  await db.startFlow({ flowSlug: "flow", input: 3 });

  const before = proxy.turns;
  const [settled, next] = await settleAndPoll(more);

  assertEquals(
    { turns: proxy.turns - before, settled: settled.length, next: next.length },
    { turns: 1, settled: 1, next: 1 },
  );
  assertEquals(await connections(database.sql), 1);
  await db.close();
});

Deno.test("work does not queue up behind a wait, for which a second connection is opened", async () => {
  await using database = await testDatabase();
  const db = connect(database.url, { applicationName: "lanes" });
  await db.ensureFlowCompiled("flow", SHAPE);
  const stop = new AbortController();
  let hasWaited = false;
  const waiting = db.waitForTasks(WAIT, stop.signal).then(() => hasWaited = true);
  await untilWaiting(database.sql);

  assertEquals(await poll(db), []);
  assertEquals({ hasWaited, open: await connections(database.sql) }, { hasWaited: false, open: 2 });

  stop.abort();
  await waiting;
  await db.close();
});

Deno.test("waitForTasks() returns when there is work, and at once on abort", async () => {
  await using database = await testDatabase();
  const db = connect(database.url);
  await db.ensureFlowCompiled("flow", SHAPE);
  const waiting = db.waitForTasks(WAIT);
  await untilWaiting(database.sql);

  await db.startFlow({ flowSlug: "flow", input: 1 });
  await waiting;
  assertEquals((await poll(db)).length, 1);

  const stop = new AbortController();
  const startedAt = performance.now();
  const aborted = db.waitForTasks(WAIT, stop.signal);
  await untilWaiting(database.sql);
  stop.abort();
  await aborted;
  await db.waitForTasks(WAIT, stop.signal);
  assert(performance.now() - startedAt < 4000, "an aborted wait went on to its end");
  await db.close();
});

Deno.test("with one connection everything waits its turn, a heartbeat always", async () => {
  await using database = await testDatabase();
  const db = connect(database.url, { max: 1, applicationName: "lanes" });
  await db.ensureFlowCompiled("flow", SHAPE);
  await db.registerWorker({
    workerId: WORKER,
    queueNames: ["flow"],
    functionName: "flow",
    leaseMs: 30_000,
  });
  const ended: string[] = [];
  await Promise.all([
    db.waitForTasks({ ...WAIT, maxSeconds: 1 }).then(() => ended.push("wait")),
    db.heartbeatWorker(WORKER).then(() => ended.push("heartbeat")),
    poll(db).then(() => ended.push("poll")),
  ]);
  assertEquals(ended, ["wait", "heartbeat", "poll"]);
  assertEquals(await connections(database.sql), 1);
  await db.close();
});

Deno.test("a lost connection rejects what was on its way, and the next call opens another", async () => {
  await using database = await testDatabase();
  const db = connect(database.url, { applicationName: "lanes" });
  await db.ensureFlowCompiled("flow", SHAPE);
  const waiting = db.waitForTasks(WAIT);
  await untilWaiting(database.sql);
  const rejected = assertRejects(() => waiting);

  await database.sql`
    select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'lanes'`;

  assert(isConnectionLost(await rejected));
  assertEquals(await poll(db), []);
  await db.close();
});

Deno.test("cutStalled() rejects calls that get no answer, and the next call opens another connection", async () => {
  await using database = await testDatabase();
  await using proxy = tcpProxy(database.url);
  const db = connect(proxy.url);
  await db.ensureFlowCompiled("flow", SHAPE);
  proxy.freeze();
  const polling = assertRejects(() => poll(db));

  db.cutStalled(60_000);
  db.cutStalled(-1);

  assert(isConnectionLost(await polling));
  assertEquals(await poll(db), []);
  await db.close();
});

Deno.test("close() does not wait for a server that is gone without a word", async () => {
  await using database = await testDatabase();
  await using proxy = tcpProxy(database.url);
  const db = connect(proxy.url);
  await db.ensureFlowCompiled("flow", SHAPE);
  proxy.freeze();
  const polling = assertRejects(() => poll(db));

  await db.close();

  assert(isConnectionLost(await polling));
});

Deno.test("a refused connection rejects and is tried again by the next call", async () => {
  await using database = await testDatabase();
  await using proxy = tcpProxy(database.url);
  const db = connect(proxy.url);
  await db.ensureFlowCompiled("flow", SHAPE);

  proxy.cut();
  const failures = [
    await assertRejects(() => poll(db)),
    await assertRejects(() => poll(db)),
  ];
  proxy.mend();

  assertEquals(failures.map(isConnectionLost), [true, true]);
  assertEquals(await poll(db), []);
  await db.close();
});

Deno.test("an unused connection is closed, and calls sent at that moment are answered all the same", async () => {
  await using database = await testDatabase({ direct: true });
  const db = connect(database.url, { applicationName: "lanes", idleTimeout: 0.05 });
  await db.ensureFlowCompiled("flow", SHAPE);
  while (await connections(database.sql) > 0);

  const answers = [];
  for (let i = 0; i < 40; i++) {
    // Around the end of the idle time, a little before it and a little after.
    await new Promise((resolve) => setTimeout(resolve, 45 + i % 10));
    answers.push(...await Promise.all([db.settleTasks([]), poll(db)]));
  }

  assertEquals(answers, Array.from({ length: 80 }, () => []));
  await db.close();
});
