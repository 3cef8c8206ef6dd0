import { assert, assertEquals } from "@std/assert";
import { type TestDatabase, testDatabase } from "../database.ts";
import { brokenInvariants } from "./pictures.ts";
import { openSession, type Session } from "./session.ts";

const sizes = [1, 10, 100];

interface Statements {
  own: number;
  referential: number;
}

type Outcome = (index: number) => Record<string, unknown>;

/** Settles `size` tasks in one call, and counts the statements executed within it. */
async function countStatements(
  database: TestDatabase,
  session: Session,
  flow: string,
  size: number,
  outcome: Outcome,
): Promise<Statements> {
  const claims = await session.sql`
    select run_id, step_slug, task_index, attempt
    from pgflow.poll_for_tasks(${flow}, 0, ${size}, 0, worker_id => gen_random_uuid())
  `;
  assertEquals(claims.length, size);
  const results = claims.map((claim, index) => ({ ...claim, ...outcome(index) }));

  const [{ oid }] = await database.sql`
    select oid from pg_database where datname = current_database()
  ` as unknown as [{ oid: number }];
  await session.sql.unsafe(`set pg_stat_statements.track = 'all'`);
  await session.sql`select pg_stat_statements_reset(0, ${oid}::oid, 0)`;
  const settled = await session.sql`
    select run_id from pgflow.settle_tasks(${session.sql.json(results as never)})
  `;
  await session.sql.unsafe(`set pg_stat_statements.track = 'none'`);
  assertEquals(settled.length, size);

  const [counts] = await database.sql`
    select
      coalesce(sum(calls) filter (where query not like '%FOR KEY SHARE OF x%'), 0)::int as own,
      coalesce(sum(calls) filter (where query like '%FOR KEY SHARE OF x%'), 0)::int as referential
    from pg_stat_statements
    where dbid = ${oid} and not toplevel
  `;
  return counts as unknown as Statements;
}

async function measured(
  setup: (database: TestDatabase, size: number) => Promise<string>,
  outcome: Outcome,
): Promise<Statements[]> {
  const counts: Statements[] = [];
  for (const size of sizes) {
    await using database = await testDatabase();
    await database.sql`create extension pg_stat_statements`;
    await using session = await openSession(database);
    const flow = await setup(database, size);
    counts.push(await countStatements(database, session, flow, size, outcome));
    assertEquals(await brokenInvariants(database), []);
  }
  const report = counts.map(({ own, referential }, index) =>
    `${sizes[index]} tasks: ${own} (+${referential} referential)`
  );
  console.log(report.join(", "));
  return counts;
}

function assertSame(counts: Statements[]): void {
  assert(counts[0]!.own > 3, "nothing was counted");
  assertEquals(counts.map(({ own }) => own), counts.map(() => counts[0]!.own));
}

async function startMany(database: TestDatabase, flow: string, size: number): Promise<string> {
  await database.sql`select pgflow_tests.setup_flow(${flow})`;
  await database.sql`
    select count(*) from pgflow.start_flows(
      ${flow}, (select jsonb_agg(i) from generate_series(1, ${size}::int) i)
    )
  `;
  return flow;
}

Deno.test("settle_tasks() runs as many statements for 100 ended runs as for one", async () => {
  assertSame(await measured((db, size) => startMany(db, "single", size), () => ({ output: 1 })));
});

Deno.test("settle_tasks() runs as many statements for 100 started steps as for one", async () => {
  assertSame(
    await measured((db, size) => startMany(db, "sequential", size), () => ({ output: 1 })),
  );
});

Deno.test("settle_tasks() runs as many statements for a map of 100 elements as for one", async () => {
  const setup = async (database: TestDatabase, size: number) => {
    await database.sql`select pgflow_tests.setup_flow('map_root')`;
    await database.sql`
      select count(*) from pgflow.start_flow(
        'map_root', (select jsonb_agg(i) from generate_series(1, ${size}::int) i)
      )
    `;
    return "map_root";
  };
  assertSame(await measured(setup, (index) => ({ output: index })));
});

Deno.test("settle_tasks() runs as many statements when 100 runs start a map as when one does", async () => {
  assertSame(
    await measured((db, size) => startMany(db, "map_chain", size), () => ({ output: [1, 2, 3] })),
  );
});

Deno.test("settle_tasks() runs as many statements for 100 retries as for one", async () => {
  assertSame(
    await measured((db, size) => startMany(db, "single", size), () => ({ error_message: "no" })),
  );
});

Deno.test("settle_tasks() runs as many statements for 100 failed runs as for one", async () => {
  assertSame(
    await measured(
      (db, size) => startMany(db, "sequential", size),
      () => ({ error_message: "no", permanent: true }),
    ),
  );
});

Deno.test("settle_tasks() runs as many statements when 100 tasks are given back as for one", async () => {
  assertSame(
    await measured((db, size) => startMany(db, "single", size), () => ({ release: true })),
  );
});

Deno.test("settle_tasks() runs as many statements for 100 watched runs as for one", async () => {
  const setup = async (database: TestDatabase, size: number) => {
    const flow = await startMany(database, "sequential", size);
    await database.sql`update pgflow.runs set broadcast = true where true`;
    // The local stack's, not the platform's.
    await database.sql`alter table realtime.messages disable trigger notify_messages`;
    return flow;
  };
  const watched = await measured(setup, () => ({ output: 1 }));
  assertSame(watched);

  const unwatched = await measured(
    (db, size) => startMany(db, "sequential", size),
    () => ({ output: 1 }),
  );
  // What was known before, the call that sends, its insert, and what has changed.
  assertEquals(watched[0]!.own - unwatched[0]!.own, 4);
});
