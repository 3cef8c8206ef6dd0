import { assertEquals } from "@std/assert";
import { testDatabase } from "../database.ts";
import { brokenInvariants, queued, runId, steps, tasks } from "./pictures.ts";
import { openSession, type Session, untilBlocked, untilSleeping } from "./session.ts";

const run = runId(1);

interface Claim {
  step_slug: string;
  task_index: number;
  attempt: number;
}

async function poll(session: Session, flow: string, qty: number, seconds = 0): Promise<Claim[]> {
  return [
    ...await session.sql<Claim[]>`
      select step_slug, task_index, attempt
      from pgflow.poll_for_tasks(
        ${flow}, 0, ${qty}, ${seconds}, 5, '30000000-0000-4000-8000-000000000003'
      )
    `,
  ];
}

async function fail(session: Session, step: string, attempt: number | null = null) {
  const rows = await session.sql`
    select from pgflow.fail_task(${run}, ${step}, 0, 'broke', ${attempt}, permanent => true)
  `;
  return rows.length;
}

async function complete(session: Session, step: string) {
  return (await session.sql`select from pgflow.complete_task(${run}, ${step}, 0, '1')`).length;
}

async function started(flow: string, input: string) {
  const database = await testDatabase();
  await database.sql`select pgflow_tests.setup_flow(${flow})`;
  await database.sql`select pgflow.start_flow(${flow}, ${input}::text::jsonb, run_id => ${run})`;
  return database;
}

Deno.test("poll_for_tasks() never gives two overlapping polls the same task", async () => {
  await using database = await started("map_root", "[1, 2, 3, 4]");
  await using one = await openSession(database);
  await using two = await openSession(database);

  await one.begin();
  const first = await poll(one, "map_root", 2);
  const second = await poll(two, "map_root", 4);
  await one.commit();

  assertEquals([first, second].map((claims) => claims.map((claim) => claim.task_index)), [
    [0, 1],
    [2, 3],
  ]);
  assertEquals(await poll(two, "map_root", 4), []);
  const counts = await database.sql`select distinct attempts_count from pgflow.step_tasks`;
  assertEquals(counts.map((row) => row.attempts_count), [1]);
  assertEquals(await brokenInvariants(database), []);
});

Deno.test("start_tasks() never gives two overlapping calls the same task", async () => {
  await using database = await started("map_root", "[1, 2, 3]");
  await using one = await openSession(database);
  await using two = await openSession(database);
  const startTasks = async (session: Session) => {
    const rows = await session.sql`
      select task_index
      from pgflow.start_tasks(
        'map_root', array(select msg_id from pgmq.q_map_root), gen_random_uuid()
      )
    `;
    return rows.map((row) => row.task_index);
  };

  await one.begin();
  const first = await startTasks(one);
  const second = await startTasks(two);
  await one.commit();

  assertEquals([first, second, await startTasks(two)], [[0, 1, 2], [], []]);
  assertEquals(await brokenInvariants(database), []);
});

Deno.test("poll_for_tasks() passes over a task that is locked, and finds it after vt", async () => {
  await using database = await started("single", "1");
  await using holder = await openSession(database);
  await using poller = await openSession(database);

  await holder.begin();
  await holder.sql`select from pgflow.step_tasks where run_id = ${run} for update`;
  assertEquals(await poll(poller, "single", 5), []);
  assertEquals(await queued(database, "single"), ["only"]);
  await holder.rollback();

  assertEquals(await poll(poller, "single", 5), [{ step_slug: "only", task_index: 0, attempt: 1 }]);
});

Deno.test("poll_for_tasks() does not wait for a settle, nor hand out what it settles", async () => {
  await using database = await started("two_roots", "1");
  await using settler = await openSession(database);
  await using poller = await openSession(database);

  await settler.begin();
  await settler.sql`select pgflow.complete_task(${run}, 'root_a', 0, '1')`;
  assertEquals(await poll(poller, "two_roots", 5), [
    { step_slug: "root_b", task_index: 0, attempt: 1 },
  ]);
  await settler.sql`select pgflow.complete_task(${run}, 'root_b', 0, '2', 1)`;
  assertEquals(await poll(poller, "two_roots", 5), []);
  await settler.commit();

  assertEquals(await poll(poller, "two_roots", 5), [
    { step_slug: "last", task_index: 0, attempt: 1 },
  ]);
  assertEquals(await brokenInvariants(database), []);
});

Deno.test("settle_tasks() waits for a poll, and changes nothing when the poll replaced its attempt", async () => {
  await using database = await started("single", "1");
  await using settler = await openSession(database);
  await using poller = await openSession(database);
  await poll(settler, "single", 1);
  await database.sql`select pgflow_tests.make_visible('single')`;

  await poller.begin();
  assertEquals(await poll(poller, "single", 1), [{ step_slug: "only", task_index: 0, attempt: 2 }]);
  const waiting =
    (async () =>
      (await settler.sql`select from pgflow.complete_task(${run}, 'only', 0, '"late"', 1)`)
        .length)();
  await untilBlocked(database, settler, waiting);
  // The poll goes on while the settle waits for it: no deadlock.
  assertEquals(await poll(poller, "single", 1), []);
  await poller.commit();

  assertEquals(await waiting, 0);
  assertEquals(await tasks(database, run), { only: "started" });
  assertEquals(await brokenInvariants(database), []);
});

Deno.test("poll_for_tasks() does not wait for a run that is failing, nor hand out its tasks", async () => {
  await using database = await started("two_roots", "1");
  await using failer = await openSession(database);
  await using poller = await openSession(database);

  await failer.begin();
  assertEquals(await fail(failer, "root_a"), 1);
  assertEquals(await poll(poller, "two_roots", 5), []);
  await failer.commit();

  assertEquals(await poll(poller, "two_roots", 5), []);
  assertEquals(await queued(database, "two_roots"), []);
  assertEquals(await brokenInvariants(database), []);
});

Deno.test("fail_task() ends a run while another of its tasks is being polled", async () => {
  await using database = await started("two_roots", "1");
  await using failer = await openSession(database);
  await using poller = await openSession(database);
  const [claim] = await poll(failer, "two_roots", 1);

  await poller.begin();
  assertEquals((await poll(poller, "two_roots", 5)).length, 1);
  const waiting = fail(failer, claim!.step_slug, claim!.attempt);
  await untilBlocked(database, failer, waiting);
  await poller.commit();

  assertEquals(await waiting, 1);
  const late = await poller.sql`select from pgflow.complete_task(${run}, 'root_b', 0, '1', 1)`;
  assertEquals(late.length, 0);
  assertEquals(await tasks(database, run), { root_a: "failed", root_b: "cancelled" });
  assertEquals(await queued(database, "two_roots"), []);
  assertEquals(await brokenInvariants(database), []);
});

for (const report of ["complete_task", "fail_task"]) {
  Deno.test(`${report}() without an attempt counts though the task is claimed meanwhile`, async () => {
    await using database = await started("single", "1");
    await using reporter = await openSession(database);
    await using poller = await openSession(database);

    await poller.begin();
    assertEquals((await poll(poller, "single", 1)).length, 1);
    const waiting = report === "fail_task" ? fail(reporter, "only") : complete(reporter, "only");
    await untilBlocked(database, reporter, waiting);
    await poller.commit();

    assertEquals(await waiting, 1);
    const status = report === "fail_task" ? "failed" : "completed";
    assertEquals(await tasks(database, run), { only: status });
    assertEquals(await brokenInvariants(database), []);
  });
}

Deno.test("poll_for_tasks() leaves a spent task for later while its run is locked", async () => {
  await using database = await testDatabase();
  await database.sql`select pgflow.create_flow('spent', max_attempts => 1)`;
  await database.sql`select pgflow.add_step('spent', 'only')`;
  await database.sql`select pgflow.start_flow('spent', '1', run_id => ${run})`;
  await using holder = await openSession(database);
  await using poller = await openSession(database);
  await poll(poller, "spent", 1);
  await database.sql`select pgflow_tests.make_visible('spent')`;

  await holder.begin();
  await holder.sql`select from pgflow.runs where run_id = ${run} for no key update`;
  assertEquals(await poll(poller, "spent", 1), []);
  assertEquals(await tasks(database, run), { only: "started" });
  assertEquals(await queued(database, "spent"), ["only"]);
  await holder.commit();

  assertEquals(await poll(poller, "spent", 1), []);
  assertEquals(await steps(database, run), { only: "failed" });
  assertEquals(await queued(database, "spent"), []);
  assertEquals(await brokenInvariants(database), []);
});

Deno.test("poll_for_tasks() lets a due task in once when two poll", async () => {
  await using database = await testDatabase();
  await database.sql`select pgflow.create_flow('late')`;
  await database.sql`select pgflow.add_step('late', 'only', start_delay => 600)`;
  await database.sql`select pgflow.start_flow('late', '1', run_id => ${run})`;
  await database.sql`select pgflow_tests.make_due('late')`;
  await using one = await openSession(database);
  await using two = await openSession(database);

  await one.begin();
  assertEquals((await poll(one, "late", 5)).length, 1);
  assertEquals(await poll(two, "late", 5), []);
  await one.commit();

  assertEquals(await poll(two, "late", 5), []);
  assertEquals(await queued(database, "late"), ["only"]);
  assertEquals(await brokenInvariants(database), []);
});

Deno.test("poll_for_tasks() sees work that is queued while it waits", async () => {
  await using database = await testDatabase();
  await database.sql`select pgflow_tests.setup_flow('single')`;
  await using poller = await openSession(database);

  const waiting = poll(poller, "single", 5, 20);
  await untilSleeping(database, poller, waiting);
  await database.sql`select pgflow.start_flow('single', '1', run_id => ${run})`;

  assertEquals(await waiting, [{ step_slug: "only", task_index: 0, attempt: 1 }]);
});
