import { assertEquals } from "@std/assert";
import { testDatabase } from "../database.ts";
import { brokenInvariants, queued, runId, steps, tasks } from "./pictures.ts";
import { openSession, type Session, untilBlocked } from "./session.ts";

const run = runId(1);
const complete = async (session: Session, step: string, id = run) =>
  (await session.sql`select step_slug from pgflow.complete_task(${id}, ${step}, 0, '1')`).length;
const fail = async (session: Session, step: string) =>
  (await session.sql`
    select step_slug from pgflow.fail_task(${run}, ${step}, 0, 'broke', permanent => true)
  `).length;

async function startedDiamond(...ids: string[]) {
  const database = await testDatabase();
  await database.sql`select pgflow_tests.setup_flow('diamond')`;
  for (const id of ids) {
    await database.sql`select pgflow.start_flow('diamond', '1', run_id => ${id})`;
    await database.sql`select pgflow.complete_task(${id}, 'root', 0, '1')`;
  }
  return database;
}

Deno.test("settle_tasks() starts a join once when both halves complete at the same time", async () => {
  await using database = await startedDiamond(run);
  await using left = await openSession(database);
  await using right = await openSession(database);

  await left.begin();
  assertEquals(await complete(left, "left"), 1);
  const waiting = complete(right, "right");
  await untilBlocked(database, right, waiting);
  await left.commit();

  assertEquals(await waiting, 1);
  assertEquals(await steps(database, run), {
    join: "started",
    left: "completed",
    right: "completed",
    root: "completed",
  });
  assertEquals(await queued(database, "diamond"), ["join"]);
  assertEquals(await brokenInvariants(database), []);
});

Deno.test("settle_tasks() lets a half complete when the other half was rolled back", async () => {
  await using database = await startedDiamond(run);
  await using left = await openSession(database);
  await using right = await openSession(database);

  await left.begin();
  await complete(left, "left");
  const waiting = complete(right, "right");
  await untilBlocked(database, right, waiting);
  await left.rollback();

  assertEquals(await waiting, 1);
  assertEquals(await steps(database, run), {
    join: "created",
    left: "started",
    right: "completed",
    root: "completed",
  });
  assertEquals(await brokenInvariants(database), []);
});

Deno.test("settle_tasks() changes nothing when the run failed while it waited", async () => {
  await using database = await startedDiamond(run);
  await using left = await openSession(database);
  await using right = await openSession(database);

  await left.begin();
  assertEquals(await fail(left, "left"), 1);
  const waiting = complete(right, "right");
  await untilBlocked(database, right, waiting);
  await left.commit();

  assertEquals(await waiting, 0);
  assertEquals(await tasks(database, run), {
    left: "failed",
    right: "cancelled",
    root: "completed",
  });
  assertEquals(await queued(database, "diamond"), []);
  assertEquals(await brokenInvariants(database), []);
});

Deno.test("fail_task() ends a run whose other half completed while it waited", async () => {
  await using database = await startedDiamond(run);
  await using left = await openSession(database);
  await using right = await openSession(database);

  await right.begin();
  assertEquals(await complete(right, "right"), 1);
  const waiting = fail(left, "left");
  await untilBlocked(database, left, waiting);
  await right.commit();

  assertEquals(await waiting, 1);
  assertEquals(await steps(database, run), {
    join: "cancelled",
    left: "failed",
    right: "completed",
    root: "completed",
  });
  assertEquals(await queued(database, "diamond"), []);
  assertEquals(await brokenInvariants(database), []);
});

Deno.test("settle_tasks() records one of two results for the same attempt", async () => {
  await using database = await startedDiamond(run);
  await using one = await openSession(database);
  await using two = await openSession(database);

  await one.begin();
  assertEquals(await complete(one, "left"), 1);
  const waiting = complete(two, "left");
  await untilBlocked(database, two, waiting);
  await one.commit();

  assertEquals(await waiting, 0);
  assertEquals(await tasks(database, run), {
    left: "completed",
    right: "queued",
    root: "completed",
  });
  assertEquals(await brokenInvariants(database), []);
});

Deno.test("settle_tasks() locks runs in the order of their ids, whatever the order of results", async () => {
  await using database = await startedDiamond(runId(1), runId(2));
  await using one = await openSession(database);
  await using two = await openSession(database);
  const result = (n: number, step_slug: string) => ({
    run_id: runId(n),
    step_slug,
    task_index: 0,
    output: n,
  });

  await one.begin();
  await complete(one, "left", runId(1));
  const batch = [result(2, "left"), result(1, "right")];
  const waiting =
    (async () => (await two.sql`select from pgflow.settle_tasks(${two.sql.json(batch)})`).length)();
  await untilBlocked(database, two, waiting);
  // The other session waits for run 1 and must not hold run 2 yet.
  assertEquals(await complete(one, "right", runId(2)), 1);
  await one.commit();

  assertEquals(await waiting, 2);
  assertEquals(await queued(database, "diamond"), ["join", "join"]);
  assertEquals(await brokenInvariants(database), []);
});

Deno.test("settle_tasks() of different runs do not wait for each other", async () => {
  await using database = await startedDiamond(runId(1), runId(2));
  await using one = await openSession(database);
  await using two = await openSession(database);

  await one.begin();
  await complete(one, "left", runId(1));

  assertEquals(await complete(two, "left", runId(2)), 1);
  await one.commit();
  assertEquals(await brokenInvariants(database), []);
});
