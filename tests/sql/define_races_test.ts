import { assertEquals, assertRejects } from "@std/assert";
import { testDatabase } from "../database.ts";
import { brokenInvariants, queued, runId } from "./pictures.ts";
import { openSession, type Session, untilBlocked } from "./session.ts";

const shape = {
  steps: [{ step_slug: "a", deps_slugs: [] }, { step_slug: "b", deps_slugs: ["a"] }],
};

async function ensure(session: Session): Promise<string> {
  const [row] = await session.sql`
    select pgflow.ensure_flow_compiled('f', ${session.sql.json(shape)}) ->> 'status' as status
  `;
  return row!.status;
}

Deno.test("ensure_flow_compiled() compiles once when two workers start at the same time", async () => {
  await using database = await testDatabase();
  await using one = await openSession(database);
  await using two = await openSession(database);

  await one.begin();
  const first = await ensure(one);
  const waiting = ensure(two);
  await untilBlocked(database, two, waiting);
  await one.commit();

  assertEquals([first, await waiting], ["compiled", "verified"]);
  const steps = await database.sql`select step_slug from pgflow.steps order by step_index`;
  assertEquals(steps.map((row) => row.step_slug), ["a", "b"]);
  const queues = await database.sql`select queue_name from pgmq.meta`;
  assertEquals(queues.map((row) => row.queue_name), ["f"]);
});

Deno.test("ensure_flow_compiled() compiles when the worker before it gave up", async () => {
  await using database = await testDatabase();
  await using one = await openSession(database);
  await using two = await openSession(database);

  await one.begin();
  await ensure(one);
  const waiting = ensure(two);
  await untilBlocked(database, two, waiting);
  await one.rollback();

  assertEquals(await waiting, "compiled");
});

Deno.test("ensure_flow_compiled() of a known flow does not wait for another worker", async () => {
  await using database = await testDatabase();
  await using one = await openSession(database);
  await using two = await openSession(database);
  await ensure(one);

  await one.begin();
  await ensure(one);
  assertEquals(await ensure(two), "verified");
  await one.commit();
});

Deno.test("create_flow() makes one queue when two sessions create the same flow", async () => {
  await using database = await testDatabase();
  await using one = await openSession(database);
  await using two = await openSession(database);
  const create = async (session: Session, timeout: number) => {
    const [row] = await session.sql`
      select opt_timeout from pgflow.create_flow('f', timeout => ${timeout})
    `;
    return row!.opt_timeout;
  };

  await one.begin();
  const first = await create(one, 10);
  const waiting = create(two, 20);
  await untilBlocked(database, two, waiting);
  await one.commit();

  assertEquals([first, await waiting], [10, 10]);
  assertEquals((await database.sql`select queue_name from pgmq.meta`).length, 1);
});

Deno.test("add_step() numbers steps without gaps when two sessions add to one flow", async () => {
  await using database = await testDatabase();
  await database.sql`select pgflow.create_flow('f')`;
  await using one = await openSession(database);
  await using two = await openSession(database);
  const add = async (session: Session, step: string) => {
    const [row] = await session.sql`select step_index from pgflow.add_step('f', ${step})`;
    return row!.step_index;
  };

  await one.begin();
  const first = await add(one, "a");
  const waiting = add(two, "b");
  await untilBlocked(database, two, waiting);
  await one.commit();

  assertEquals([first, await waiting], [0, 1]);
});

for (const by of ["run_id", "idempotency_key"]) {
  const start = async (session: Session, input: number) => {
    const key = by === "run_id" ? null : "key";
    const id = by === "run_id" ? runId(1) : null;
    const [row] = await session.sql`
      select run_id from pgflow.start_flow(
        'single', ${input}::int::text::jsonb, run_id => ${id}, idempotency_key => ${key}
      )
    `;
    return row!.run_id;
  };

  Deno.test(`start_flow() starts one run when two sessions use the same ${by}`, async () => {
    await using database = await testDatabase();
    await database.sql`select pgflow_tests.setup_flow('single')`;
    await using one = await openSession(database);
    await using two = await openSession(database);

    await one.begin();
    const first = await start(one, 1);
    const waiting = start(two, 1);
    await untilBlocked(database, two, waiting);
    await one.commit();

    assertEquals(await waiting, first);
    assertEquals(await queued(database, "single"), ["only"]);
    assertEquals(await brokenInvariants(database), []);
  });

  Deno.test(`start_flow() refuses another input for a ${by} that was taken while it waited`, async () => {
    await using database = await testDatabase();
    await database.sql`select pgflow_tests.setup_flow('single')`;
    await using one = await openSession(database);
    await using two = await openSession(database);

    await one.begin();
    await start(one, 1);
    const waiting = start(two, 2);
    await untilBlocked(database, two, waiting);
    await one.commit();

    await assertRejects(
      () => waiting,
      Error,
      'Cannot start flow "single": the run id or idempotency key belongs to another run',
    );
    assertEquals(await queued(database, "single"), ["only"]);
  });
}
