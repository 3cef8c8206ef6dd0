import { assertEquals } from "@std/assert";
import postgres from "postgres";
import { type TestDatabase, testDatabase } from "../database.ts";
import { brokenInvariants, runId, steps } from "./pictures.ts";
import { openSession, untilBlocked } from "./session.ts";

const run = runId(1);

async function events(database: TestDatabase): Promise<string[]> {
  const rows = await database.sql`select event from pgflow_tests.events(${run})`;
  return rows.map(({ event }) => event);
}

/** Starts a watched run over a Realtime that is as `sql` left it, and works through it. */
async function runWith(sql: string, role?: string) {
  await using database = await testDatabase();
  await database.sql.unsafe(sql);
  await database.sql`select pgflow_tests.setup_flow('sequential')`;
  const warnings = new Set<string>();
  const worker = postgres(database.url, {
    max: 1,
    onnotice: ({ message }) => warnings.add(message!),
    ...(role && { connection: { role } }),
  });
  await worker`select pgflow.start_flow_with_states('sequential', '1', ${run})`;
  for (const step of ["first", "second", "last"]) {
    await worker`select pgflow.complete_task(${run}, ${step}, 0, '1')`;
  }
  await worker.end();
  assertEquals(await brokenInvariants(database), []);
  const [{ status }] = await database.sql`
    select status from pgflow.runs
  ` as unknown as [{ status: string }];
  return { database, status, warnings: [...warnings] };
}

Deno.test("a run completes where Realtime has no partition for today", async () => {
  const { status, warnings } = await runWith(`
    do $$
    declare
      v_partition regclass;
    begin
      for v_partition in
        select inhrelid::regclass from pg_inherits where inhparent = 'realtime.messages'::regclass
      loop
        execute format('drop table %s', v_partition);
      end loop;
    end;
    $$
  `);

  assertEquals([status, warnings], ["completed", [
    'Cannot send events: no partition of relation "messages" found for row',
  ]]);
});

Deno.test("a run completes where Realtime refuses every message", async () => {
  const { status, warnings } = await runWith(`
    create function public.refuse() returns trigger language plpgsql
    as $$ begin raise exception 'full'; end; $$;
    create trigger refuse before insert on realtime.messages
    for each row execute function public.refuse()
  `);

  assertEquals([status, warnings], ["completed", ["Cannot send events: full"]]);
});

Deno.test("a run completes without Realtime", async () => {
  const { status, warnings } = await runWith("drop schema realtime cascade");

  assertEquals([status, warnings], ["completed", []]);
});

Deno.test("events go through realtime.send where its table may not be written to", async () => {
  await using database = await testDatabase();
  await database.sql`select pgflow_tests.setup_flow('single')`;
  const role = `pgflow_worker_${crypto.randomUUID().slice(0, 8)}`;
  await database.sql.unsafe(`
    drop schema net, vault cascade;
    create role ${role} login;
    grant usage on schema pgflow, pgmq, realtime to ${role};
    grant all on all tables in schema pgflow, pgmq to ${role};
    grant all on all sequences in schema pgmq to ${role};
    grant execute on all functions in schema pgflow, pgmq to ${role};
    alter role ${role} bypassrls;
    alter function realtime.send security definer
  `);
  await using session = await openSession(database);
  try {
    await session.sql.unsafe(`set role ${role}`);
    await session.sql`select pgflow.start_flow_with_states('single', '1', ${run})`;
    await session.sql`select pgflow.complete_task(${run}, 'only', 0, '1')`;
    await session.sql`reset role`;

    const rows = await database.sql`
      select event, payload ->> 'id' = id::text as has_id, private
      from realtime.messages order by tableoid, ctid
    `;
    assertEquals([...rows], [
      { event: "run:started", has_id: true, private: true },
      { event: "step:only:started", has_id: true, private: true },
      { event: "step:only:completed", has_id: true, private: true },
      { event: "run:completed", has_id: true, private: true },
    ]);
  } finally {
    await database.sql.unsafe(`drop owned by ${role}; drop role ${role}`);
  }
});

Deno.test("a join's start is told once when both halves complete at the same time", async () => {
  await using database = await testDatabase();
  await database.sql`select pgflow_tests.setup_flow('diamond')`;
  await database.sql`select pgflow.start_flow_with_states('diamond', '1', ${run})`;
  await database.sql`select pgflow.complete_task(${run}, 'root', 0, '1')`;
  await using left = await openSession(database);
  await using right = await openSession(database);

  await left.begin();
  await left.sql`select pgflow.complete_task(${run}, 'left', 0, '1')`;
  const waiting = right.sql`select pgflow.complete_task(${run}, 'right', 0, '1')`.execute();
  await untilBlocked(database, right, waiting);
  await left.commit();
  await waiting;

  assertEquals((await events(database)).slice(5), [
    "step:left:completed",
    "step:right:completed",
    "step:join:started",
  ]);
});

Deno.test("what is rolled back is not told", async () => {
  await using database = await testDatabase();
  await database.sql`select pgflow_tests.setup_flow('single')`;
  await database.sql`select pgflow.start_flow_with_states('single', '1', ${run})`;
  await using session = await openSession(database);

  await session.begin();
  await session.sql`select pgflow.complete_task(${run}, 'only', 0, '1')`;
  await session.rollback();

  assertEquals(await steps(database, run), { only: "started" });
  assertEquals(await events(database), ["run:started", "step:only:started"]);
});

Deno.test("a migration goes on where it may not create policies on Realtime's table", async () => {
  await using database = await testDatabase();
  const role = `pgflow_migrator_${crypto.randomUUID().slice(0, 8)}`;
  await database.sql.unsafe(`
    create role ${role};
    grant usage on schema pgflow, realtime to ${role};
    grant execute on function pgflow._guard_realtime(text, text) to ${role}
  `);
  const warnings: string[] = [];
  const session = postgres(database.url, {
    max: 1,
    onnotice: ({ message }) => warnings.push(message!),
    connection: { role },
  });
  try {
    await session`select pgflow._guard_realtime('authenticated', 'anon')`;

    assertEquals(warnings, [
      "Cannot protect the events of runs: must be owner of relation messages",
    ]);
  } finally {
    await session.end();
    await database.sql.unsafe(`drop owned by ${role}; drop role ${role}`);
  }
});
