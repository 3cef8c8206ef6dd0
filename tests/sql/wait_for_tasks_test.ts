import { assert, assertEquals, assertRejects } from "@std/assert";
import type postgres from "postgres";
import { testDatabase } from "../database.ts";
import { queued } from "./pictures.ts";
import { openSession, type Session, untilSleeping } from "./session.ts";

async function twoFlows() {
  const database = await testDatabase();
  for (const flow of ["single", "sequential"]) {
    await database.sql`select pgflow_tests.setup_flow(${flow})`;
  }
  return database;
}

async function wait(session: Session, seconds: number, flows = ["single", "sequential"]) {
  await session.sql`call pgflow.wait_for_tasks(${flows}, ${seconds}, 5)`;
  return "returned";
}

for (const flow of ["single", "sequential"]) {
  Deno.test(`wait_for_tasks() returns when work appears in queue ${flow} of two`, async () => {
    await using database = await twoFlows();
    await using waiter = await openSession(database);

    const waiting = wait(waiter, 25);
    await untilSleeping(database, waiter, waiting);
    await database.sql`select pgflow.start_flow(${flow}, '1')`;

    assertEquals(await waiting, "returned");
    // It takes nothing: whoever polls next gets the task as its first attempt.
    const claims = await database.sql`select attempt from pgflow_tests.poll(${flow})`;
    assertEquals(claims.map((claim) => claim.attempt), [1]);
  });
}

Deno.test("wait_for_tasks() returns at once when there is work, also with prepared statements off", async () => {
  await using database = await twoFlows();
  await using waiter = await openSession(database);
  await database.sql`select pgflow.start_flow('single', '1')`;

  assertEquals(await wait(waiter, 25), "returned");
  await waiter.sql.unsafe("call pgflow.wait_for_tasks('{single}', 25)").simple();
});

Deno.test("wait_for_tasks() returns when a task becomes due that waits outside the queue", async () => {
  await using database = await twoFlows();
  await using waiter = await openSession(database);
  await database.sql`
    select pgflow.start_flow('single', '1', start_at => now() + interval '1 hour')
  `;

  const waiting = wait(waiter, 25);
  await untilSleeping(database, waiter, waiting);
  await database.sql`select pgflow_tests.make_due('single')`;

  assertEquals(await waiting, "returned");
  assertEquals(await queued(database, "single"), []);
});

Deno.test("wait_for_tasks() returns at the end of its time", async () => {
  await using database = await twoFlows();
  await using waiter = await openSession(database);

  assertEquals(await wait(waiter, 0), "returned");
  const before = performance.now();
  assertEquals(await wait(waiter, 1), "returned");
  const seconds = (performance.now() - before) / 1000;
  assert(seconds >= 0.99, `it waited ${seconds} s`);
});

Deno.test("wait_for_tasks() does not look at the queues of other flows", async () => {
  await using database = await twoFlows();
  await using waiter = await openSession(database);
  await database.sql`select pgflow.start_flow('single', '1')`;

  const waiting = wait(waiter, 25, ["sequential"]);
  await untilSleeping(database, waiter, waiting);
  await database.sql`select pgflow.start_flow('sequential', '1')`;

  assertEquals(await waiting, "returned");
});

Deno.test("wait_for_tasks() names the flows it does not know", async () => {
  await using database = await twoFlows();

  const error = await assertRejects(
    () => database.sql`call pgflow.wait_for_tasks('{nowhere,neither}')`,
    Error,
    'Cannot wait for tasks of "nowhere, neither": no such flow exists',
  );
  assertEquals((error as postgres.PostgresError).code, "PF001");
});

Deno.test("wait_for_tasks() cannot wait inside a transaction block", async () => {
  await using database = await twoFlows();
  await using waiter = await openSession(database);

  await waiter.begin();
  const error = await assertRejects(
    () => wait(waiter, 25),
    Error,
    "invalid transaction termination",
  );
  await waiter.rollback();

  assertEquals((error as postgres.PostgresError).code, "2D000");
});

Deno.test("wait_for_tasks() holds no snapshot longer than an interval", async () => {
  await using database = await twoFlows();
  await using waiter = await openSession(database);

  const waiting = wait(waiter, 25);
  // Until its call has begun the session is idle.
  await untilSleeping(database, waiter, waiting);
  const transactions = new Set<string>();
  const horizons = new Set<string>();
  while (transactions.size < 5 || horizons.size < 5) {
    // Each write moves the horizon that a snapshot taken after it has.
    await database.sql`insert into pgflow.workers values (gen_random_uuid(), 'q', 'f')`;
    const [row] = await database.sql`
      select state, xact_start::text, backend_xmin::text
      from pg_stat_activity where pid = ${waiter.pid}
    `;
    assertEquals(row!.state, "active");
    if (row!.xact_start !== null) transactions.add(row!.xact_start);
    if (row!.backend_xmin !== null) horizons.add(row!.backend_xmin);
  }
  await database.sql`select pgflow.start_flow('single', '1')`;

  assertEquals(await waiting, "returned");
});

Deno.test("wait_for_tasks() means pg_catalog whatever the caller's search_path", async () => {
  await using database = await twoFlows();
  await using waiter = await openSession(database);
  await waiter.sql.unsafe(`
    create schema evil;
    create function evil.trap() returns boolean language plpgsql as
      $$ begin raise exception 'the trap was called'; end; $$;
    create function evil.clock_timestamp() returns timestamptz language sql as
      'select evil.trap()::text::timestamptz';
    create function evil.pg_sleep(double precision) returns void language sql as
      'select evil.trap()::text::void';
    create function evil.pg_sleep(numeric) returns void language sql as
      'select evil.trap()::text::void';
    create function evil.lower(text) returns text language sql as 'select evil.trap()::text';
    create function evil.format(text, variadic text[]) returns text language sql as
      'select evil.trap()::text';
    create function evil.before(timestamptz, timestamptz) returns boolean language sql as
      'select evil.trap()';
    create function evil.same(text, text) returns boolean language sql as 'select evil.trap()';
    create function evil.joined(text, text) returns text language sql as
      'select evil.trap()::text';
    create function evil.part(int, numeric) returns numeric language sql as
      'select evil.trap()::text::numeric';
    create function evil.later(timestamptz, interval) returns timestamptz language sql as
      'select evil.trap()::text::timestamptz';
    create operator evil.<= (leftarg = timestamptz, rightarg = timestamptz, function = evil.before);
    create operator evil.>= (leftarg = timestamptz, rightarg = timestamptz, function = evil.before);
    create operator evil.= (leftarg = text, rightarg = text, function = evil.same);
    create operator evil.|| (leftarg = text, rightarg = text, function = evil.joined);
    create operator evil./ (leftarg = int, rightarg = numeric, function = evil.part);
    create operator evil.+ (leftarg = timestamptz, rightarg = interval, function = evil.later);
    set search_path = evil, pg_catalog;
  `).simple();
  await assertRejects(() => waiter.sql`select lower('A')`, Error, "the trap was called");

  const waiting = wait(waiter, 25);
  await untilSleeping(database, waiter, waiting);
  await database.sql`select pgflow.start_flow('single', '1')`;

  assertEquals(await waiting, "returned");
});
