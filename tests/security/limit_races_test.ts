import { assertEquals } from "@std/assert";
import type postgres from "postgres";
import { testDatabase } from "../database.ts";
import { openSession, untilBlocked } from "../sql/session.ts";
import { claimsOf } from "./callers.ts";

const limited: Record<string, [option: string, code: string]> = {
  "open runs": ["open_runs_per_owner => 1", "PF012"],
  "starts in a minute": ["starts_per_minute_per_owner => 1", "PF013"],
};

for (const [what, [option, code]] of Object.entries(limited)) {
  Deno.test(`of two sessions that start at once, the limit of ${what} lets one through`, async () => {
    await using database = await testDatabase();
    await database.sql.unsafe(flow(option));
    await using first = await openSession(database);
    await using second = await openSession(database);

    await begin(first.sql);
    await begin(second.sql);
    await start(first.sql);
    const waiting = start(second.sql).then(() => "ok", (error) => error.code);
    await untilBlocked(database, second, waiting);
    await first.commit();
    const outcome = await waiting;
    await second.rollback();

    assertEquals([outcome, await runsOf(database.sql)], [code, 1]);
  });

  Deno.test(`a start that is rolled back is not counted among ${what}`, async () => {
    await using database = await testDatabase();
    await database.sql.unsafe(flow(option));
    await using first = await openSession(database);
    await using second = await openSession(database);

    await begin(first.sql);
    await begin(second.sql);
    await start(first.sql);
    const waiting = start(second.sql).then(() => "ok", (error) => error.code);
    await untilBlocked(database, second, waiting);
    await first.rollback();
    const outcome = await waiting;
    await second.commit();

    assertEquals([outcome, await runsOf(database.sql)], ["ok", 1]);
  });
}

Deno.test("of two sessions that start with the same key at once, one counts", async () => {
  await using database = await testDatabase();
  await database.sql.unsafe(flow("starts_per_minute_per_owner => 2"));
  await using first = await openSession(database);
  await using second = await openSession(database);

  await begin(first.sql);
  await begin(second.sql);
  const one = await start(first.sql, "key");
  const waiting = start(second.sql, "key");
  await untilBlocked(database, second, waiting);
  await first.commit();
  const other = await waiting;
  await second.commit();

  const [counts] = await database.sql`select starts_in_minute as starts from pgflow.owner_counts`;
  assertEquals([one === other, counts!.starts, await runsOf(database.sql)], [true, 1, 1]);
});

Deno.test("of two sessions that retry a run at once, one counts and both get it", async () => {
  await using database = await testDatabase();
  await database.sql.unsafe(flow("open_runs_per_owner => 1, starts_per_minute_per_owner => 2"));
  await using first = await openSession(database);
  await using second = await openSession(database);
  await begin(first.sql);
  const run_id = await start(first.sql);
  await first.sql`select public.cancel_run(${run_id})`;
  await first.commit();
  const retry = async (sql: postgres.Sql) => {
    const [row] = await sql`select public.retry_run(${run_id}) ->> 'status' as status`;
    return row!.status;
  };

  await begin(first.sql);
  await begin(second.sql);
  const one = await retry(first.sql);
  const waiting = retry(second.sql);
  await untilBlocked(database, second, waiting);
  await first.commit();
  const other = await waiting;
  await second.commit();

  const [counts] = await database.sql`select starts_in_minute as starts from pgflow.owner_counts`;
  assertEquals([one, other, counts!.starts], ["started", "started", 2]);
});

Deno.test("users do not wait for each other, nor for a flow without limits", async () => {
  await using database = await testDatabase();
  await database.sql.unsafe(flow("open_runs_per_owner => 1"));
  await database.sql.unsafe(`
    select pgflow.create_flow('free', startable_by => array['authenticated']);
    select pgflow.add_step('free', 'only')
  `);
  await using first = await openSession(database);
  await using second = await openSession(database);
  await second.sql`set lock_timeout = '1s'`;

  await begin(first.sql);
  await start(first.sql);
  await begin(second.sql);
  await second.sql`select public.start_flow('free')`;
  await second.commit();
  await begin(second.sql, "other");
  await start(second.sql);
  await second.commit();
  await first.commit();

  const rows = await database
    .sql`select flow_slug, count(*)::int from pgflow.runs group by 1 order by 1`;
  assertEquals(rows.map((row) => Object.values(row)), [["free", 1], ["limited", 2]]);
});

function flow(option: string): string {
  return `
    select pgflow.create_flow('limited', startable_by => array['authenticated'], ${option});
    select pgflow.add_step('limited', 'only')
  `;
}

async function begin(sql: postgres.Sql, caller: "owner" | "other" = "owner"): Promise<void> {
  await sql.unsafe("begin");
  await sql`select set_config('request.jwt.claims', ${claimsOf(caller)}, true)`;
  await sql.unsafe("set local role authenticated");
}

async function start(sql: postgres.Sql, key: string | null = null): Promise<string> {
  const [row] = await sql`
    select public.start_flow('limited', '1', idempotency_key => ${key}) ->> 'run_id' as run_id
  `;
  return row!.run_id;
}

async function runsOf(sql: postgres.Sql): Promise<number> {
  const [row] = await sql`select count(*)::int as runs from pgflow.runs`;
  return row!.runs;
}
