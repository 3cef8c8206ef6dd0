import { assertEquals } from "@std/assert";
import { testDatabase } from "../database.ts";
import { brokenInvariants } from "./pictures.ts";
import { openSession, type Session } from "./session.ts";

/** How often something as large as the output was read and written. */
interface Traffic {
  reads: number;
  writes: number;
}

const BYTES = 5_000_000;
const dependents = ["a", "b", "c", "d", "e"];

/**
 * Runs a flow whose step "large" returns 5 MB to its end, and counts what its life costs.
 *
 * Postgres stores it in chunks and counts those: as many as reading it once takes are one read.
 */
async function traffic(
  steps: Record<string, string[]>,
  { watched = false, options = "" } = {},
): Promise<Traffic> {
  await using database = await testDatabase();
  await using session = await openSession(database);
  const { sql } = session;
  await sql`select pgflow.create_flow('f')`;
  await sql`select pgflow.add_step('f', 'large')`;
  for (const [step, deps] of Object.entries(steps)) {
    await sql.unsafe(`select pgflow.add_step('f', '${step}', '{${deps}}' ${options})`);
  }
  const isMap = options.includes("'map'");
  await sql`create temp table outputs as
    select jsonb_build_object('text', string_agg(md5(i::text), '')) as large
    from generate_series(1, ${BYTES / 32}::int) i`;
  await (watched
    ? sql`select pgflow.start_flow_with_states('f', '{"run": 1}')`
    : sql`select pgflow.start_flow('f', '{"run": 1}')`);

  const before = await chunks(session);
  for (let claims = await claim(session); claims.length > 0; claims = await claim(session)) {
    for (const { bytes, ...task } of claims) {
      const output = sql`
        case when ${task.step_slug!}::text = 'large' then (
            select case when ${isMap} then jsonb_build_array(o.large) else o.large end
            from outputs o
          )
        else to_jsonb(${bytes!}::int) end`;
      await sql`
        select count(*)
        from pgflow.settle_tasks(jsonb_build_array(
          ${sql.json(task as never)} || jsonb_build_object('output', ${output})
        ))`;
    }
  }
  const after = await chunks(session);
  await sql`select length(t.output::text) from pgflow.step_tasks t where t.step_slug = 'large'`;
  const once = (await chunks(session)).read - after.read;

  const runs = await sql`select status from pgflow.runs`;
  assertEquals(runs.map(({ status }) => status), ["completed"]);
  assertEquals(await brokenInvariants(database), []);
  return {
    reads: (after.read - before.read) / once,
    writes: (after.written - before.written) / once,
  };
}

function claim({ sql }: Session) {
  return sql`
    select run_id, step_slug, attempt, length(input::text) as bytes
    from pgflow.poll_for_tasks('f', 0, 10, 0, worker_id => gen_random_uuid())`;
}

/** Chunks of values stored out of line, in all tables but temporary ones. */
async function chunks({ sql }: Session): Promise<{ read: number; written: number }> {
  await sql`select pg_stat_force_next_flush()`;
  const [row] = await sql<{ read: number; written: number }[]>`
    select sum(s.idx_tup_fetch)::int as read, sum(s.n_tup_ins)::int as written
    from pg_class c
    join pg_stat_all_tables s on s.relid = c.reltoastrelid
    where c.relnamespace::regnamespace::text in ('pgflow', 'pgmq', 'realtime')`;
  return row!;
}

const fan = (count: number) =>
  Object.fromEntries(dependents.slice(0, count).map((step) => [step, ["large"]]));

Deno.test("an output of 5 MB is written once and read once, however many steps follow", async () => {
  const chain = Object.fromEntries(
    dependents.map((step, index) => [step, [dependents[index - 1] ?? "large"]]),
  );

  assertEquals(await traffic(fan(1)), { reads: 1, writes: 1 });
  assertEquals(await traffic(chain), { reads: 1, writes: 1 });
});

Deno.test("an output of 5 MB is read once for each step that gets it, also in runs that are watched", async () => {
  assertEquals(await traffic(fan(5)), { reads: 5, writes: 1 });
  assertEquals(await traffic(fan(5), { watched: true }), { reads: 5, writes: 1 });
});

Deno.test("an output of 5 MB is read once more for the conditions of a step", async () => {
  const required = `required_input_pattern => '{"run": {"run": 1}}'`;
  const forbidden = `forbidden_input_pattern => '{"large": {"text": "other"}}'`;

  assertEquals(await traffic(fan(1), { options: `, ${required}` }), { reads: 2, writes: 1 });
  assertEquals(await traffic(fan(1), { options: `, ${required}, ${forbidden}` }), {
    reads: 2,
    writes: 1,
  });
});

Deno.test("an output of 5 MB is stored twice if it is the run's, or if a map works on it", async () => {
  assertEquals(await traffic({}), { reads: 1, writes: 2 });
  // For its type, its length and its elements, then as the element that a task gets.
  assertEquals(await traffic(fan(1), { options: ", step_type => 'map'" }), { reads: 4, writes: 2 });
});

Deno.test("outputs are packed with lz4 where the server has it", async () => {
  await using database = await testDatabase();
  await database.sql`select pgflow_tests.setup_flow('single')`;
  await database.sql`select pgflow.start_flow('single', '1')`;
  await database.sql`
    select pgflow.complete_task(run_id, 'only', 0, to_jsonb(repeat('a', 100000)))
    from pgflow.runs`;

  const [packed] = await database.sql`
    select
      pg_column_compression(output) as method,
      pg_column_size(output) < 1000 as is_small,
      (select 'lz4' = any (enumvals) from pg_settings where name = 'default_toast_compression')
        as has_lz4
    from pgflow.step_tasks`;

  assertEquals(packed!.method, packed!.has_lz4 ? "lz4" : "pglz");
  assertEquals(packed!.is_small, packed!.has_lz4);
});
