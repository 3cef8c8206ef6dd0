import { assertEquals, assertRejects } from "@std/assert";
import { testDatabase } from "../database.ts";
import { brokenInvariants, queued, runId, steps, tasks } from "./pictures.ts";
import { openSession, type Session, untilBlocked } from "./session.ts";

const run = runId(1);
const rowsOf = async (rows: PromiseLike<readonly unknown[]>) => (await rows).length;
const cancel = (session: Session) => rowsOf(session.sql`select from pgflow.cancel_run(${run})`);
const retry = (session: Session) => rowsOf(session.sql`select from pgflow.retry_run(${run})`);
const complete = (session: Session, step: string) =>
  rowsOf(session.sql`select from pgflow.complete_task(${run}, ${step}, 0, '1')`);
const poll = (session: Session, flow: string) =>
  rowsOf(session.sql`select from pgflow.poll_for_tasks(${flow}, 0, 5, 0, 5, gen_random_uuid())`);

async function started(flow: string) {
  const database = await testDatabase();
  await database.sql`select pgflow_tests.setup_flow(${flow})`;
  await database.sql`select pgflow.start_flow(${flow}, '1', run_id => ${run})`;
  return database;
}

Deno.test("cancel_run() ends what a settle before it left open", async () => {
  await using database = await started("sequential");
  await using settler = await openSession(database);
  await using canceller = await openSession(database);

  await settler.begin();
  assertEquals(await complete(settler, "first"), 1);
  const waiting = cancel(canceller);
  await untilBlocked(database, canceller, waiting);
  await settler.commit();

  assertEquals(await waiting, 1);
  assertEquals(await tasks(database, run), { first: "completed", second: "cancelled" });
  assertEquals(await queued(database, "sequential"), []);
  assertEquals(await brokenInvariants(database), []);
});

Deno.test("settle_tasks() changes nothing when the run was cancelled while it waited", async () => {
  await using database = await started("sequential");
  await using settler = await openSession(database);
  await using canceller = await openSession(database);

  await canceller.begin();
  assertEquals(await cancel(canceller), 1);
  const waiting = complete(settler, "first");
  await untilBlocked(database, settler, waiting);
  await canceller.commit();

  assertEquals(await waiting, 0);
  assertEquals(await steps(database, run), {
    first: "cancelled",
    last: "cancelled",
    second: "cancelled",
  });
  assertEquals(await brokenInvariants(database), []);
});

Deno.test("retry_run() goes on once when two ask for it", async () => {
  await using database = await started("sequential");
  await using one = await openSession(database);
  await using two = await openSession(database);
  await cancel(one);

  await one.begin();
  assertEquals(await retry(one), 1);
  const waiting = retry(two);
  await untilBlocked(database, two, waiting);
  await one.commit();

  assertEquals(await waiting, 0);
  assertEquals([await poll(one, "sequential"), await poll(two, "sequential")], [1, 0]);
  assertEquals(await brokenInvariants(database), []);
});

Deno.test("complete_step() takes the first of two answers and says so to the second", async () => {
  await using database = await testDatabase();
  await database.sql`select pgflow.create_flow('ask')`;
  await database.sql`select pgflow.add_step('ask', 'review', performed_by => 'approval')`;
  await database.sql`select pgflow.start_flow('ask', '1', run_id => ${run})`;
  await using one = await openSession(database);
  await using two = await openSession(database);
  const answer = (session: Session) =>
    rowsOf(session.sql`select from pgflow.complete_step(${run}, 'review', '1')`);

  await one.begin();
  assertEquals(await answer(one), 1);
  const waiting = answer(two);
  await untilBlocked(database, two, waiting);
  await one.commit();

  await assertRejects(() => waiting, Error, "it does not wait for an answer, it is completed");
  assertEquals(await brokenInvariants(database), []);
});

Deno.test("poll_for_tasks() that ends an approval does not wait for another poll", async () => {
  await using database = await testDatabase();
  await database.sql`select pgflow.create_flow('ask')`;
  await database.sql`
    select pgflow.add_step('ask', 'review', performed_by => 'approval', timeout => 60)
  `;
  await database.sql`select pgflow.add_step('ask', 'beside')`;
  await database.sql`select pgflow.start_flow('ask', '1', run_id => ${run})`;
  await using one = await openSession(database);
  await using two = await openSession(database);
  await two.sql.unsafe("set lock_timeout = '1s'");

  await one.begin();
  assertEquals(await poll(one, "ask"), 1);
  await database.sql`select pgflow_tests.make_due('ask')`;
  // The run cannot end yet: the other poll holds one of its tasks.
  assertEquals(await poll(two, "ask"), 0);
  await one.commit();

  assertEquals(await poll(two, "ask"), 0);
  assertEquals(await tasks(database, run), { beside: "cancelled", review: "failed" });
  assertEquals(await brokenInvariants(database), []);
});

Deno.test("settle_tasks() lets a parent go on once when two children end at the same time", async () => {
  await using database = await testDatabase();
  await database.sql`select pgflow_tests.setup_flow('single')`;
  await database.sql`select pgflow.create_flow('top')`;
  await database.sql`
    select pgflow.add_step(
      'top', 'each', step_type => 'map', performed_by => 'subflow', subflow_slug => 'single'
    )
  `;
  await database.sql`select pgflow.add_step('top', 'end', array['each'])`;
  await database.sql`select pgflow.start_flow('top', '[1, 2]', run_id => ${run})`;
  for (const index of [0, 1]) {
    await database.sql`select pgflow.complete_task(${run}, 'each', ${index}, '1')`;
  }
  const [first, second] = await database.sql`
    select run_id from pgflow.runs where flow_slug = 'single' order by parent_task_index
  `;
  await using one = await openSession(database);
  await using two = await openSession(database);
  const end = (session: Session, child: string) =>
    rowsOf(session.sql`select from pgflow.complete_task(${child}, 'only', 0, '1')`);

  await one.begin();
  assertEquals(await end(one, first!.run_id), 1);
  const waiting = end(two, second!.run_id);
  await untilBlocked(database, two, waiting);
  await one.commit();

  assertEquals(await waiting, 1);
  assertEquals(await steps(database, run), { each: "completed", end: "started" });
  assertEquals(await queued(database, "top"), ["end"]);
  assertEquals(await brokenInvariants(database), []);
});
