import { assertEquals } from "@std/assert";
import { testDatabase } from "../database.ts";
import { brokenInvariants, queued } from "./pictures.ts";
import { openSession, type Session } from "./session.ts";

const connections = 20;
const runs = 40;

interface Claim {
  run_id: string;
  step_slug: string;
  task_index: number;
  attempt: number;
  input: unknown;
}

Deno.test("settle_tasks() and poll_for_tasks() of 20 connections lose nothing and never deadlock", async () => {
  await using database = await testDatabase();
  await database.sql`select pgflow.create_flow('busy', base_delay => 0, max_attempts => 5)`;
  await database.sql`select pgflow.add_step('busy', 'list')`;
  await database.sql`select pgflow.add_step('busy', 'each', array['list'], step_type => 'map')`;
  await database.sql`select pgflow.add_step('busy', 'beside', array['list'])`;
  await database.sql`select pgflow.add_step('busy', 'join', array['each', 'beside'])`;
  await database.sql`
    select count(*) from pgflow.start_flows(
      'busy', (select jsonb_agg(i) from generate_series(1, ${runs}::int) i)
    )
  `;

  const claims = (await Promise.all(
    Array.from({ length: connections }, async (_, number) => {
      await using session = await openSession(database);
      return await work(session, number);
    }),
  )).flat();

  const ended = await database.sql`
    select status, output = jsonb_build_object('join', jsonb_build_array(0, 1, 2)) as right,
      count(*)::int as runs
    from pgflow.runs group by 1, 2
  `;
  assertEquals([...ended], [{ status: "completed", right: true, runs }]);
  assertEquals(await queued(database, "busy"), []);
  assertEquals(await brokenInvariants(database), []);
  const names = claims.map((claim) => Object.values(claim).slice(0, 4).join(" "));
  assertEquals(names.length, new Set(names).size, "an attempt was handed out twice");
  const [archived] = await database.sql`
    select count(*)::int as messages, count(distinct message)::int as tasks from pgmq.a_busy
  `;
  assertEquals(archived, { messages: runs * 6, tasks: runs * 6 });
});

/** Polls and settles until every run has ended, with failures, doubled and stale reports on the way. */
async function work(session: Session, number: number): Promise<Claim[]> {
  const all: Claim[] = [];
  while (true) {
    const claims = await session.sql<Claim[]>`
      select run_id, step_slug, task_index, attempt, input
      from pgflow.poll_for_tasks('busy', 0, 5, 1, 10, gen_random_uuid())
    `;
    all.push(...claims);
    if (claims.length > 0) {
      const results = claims.toReversed().map((claim, index) => resultOf(claim, number + index));
      const stale = claims.map((claim) => ({
        ...resultOf(claim, 1),
        attempt: claim.attempt - 1,
      }));
      const batch = session.sql.json([...stale, ...results, ...results] as never);
      const settled = await session.sql`select run_id from pgflow.settle_tasks(${batch})`;
      assertEquals(settled.length, claims.length);
    } else if ((await session.sql`select from pgflow.runs where status = 'started'`).length === 0) {
      return all;
    }
  }
}

function resultOf({ run_id, step_slug, task_index, attempt, input }: Claim, chance: number) {
  const task = { run_id, step_slug, task_index, attempt };
  if (attempt === 1 && chance % 3 === 0) return { ...task, error_message: "once" };
  if (attempt < 3 && chance % 7 === 0) return { ...task, release: true };
  if (step_slug === "list") return { ...task, output: [0, 1, 2] };
  if (step_slug === "each") return { ...task, output: task_index };
  return { ...task, output: (input as { each?: unknown }).each ?? null };
}
