import { assert, assertEquals } from "@std/assert";
import { type TestDatabase, testDatabase } from "../database.ts";
import { addFinishedRuns } from "../fill_tables.ts";
import { brokenInvariants, runId } from "./pictures.ts";
import { openSession, type Session } from "./session.ts";

/** Runs to delete; 100,000 take a minute. */
const SIZE = Number(Deno.env.get("PGFLOW_PRUNE_SIZE") ?? 5000);

interface Pruned {
  runs: number;
  messages: number;
  more: boolean;
}

async function oldRuns(count: number): Promise<TestDatabase> {
  const database = await testDatabase();
  await database.sql`select pgflow_tests.setup_flow('sequential')`;
  await addFinishedRuns(database.sql, "sequential", count);
  await database.sql`analyze`;
  return database;
}

async function prune({ sql }: Session, maxRuns = 1000): Promise<Pruned> {
  const [row] = await sql<{ pruned: Pruned }[]>`
    select pgflow.prune_data_older_than('7 days', ${maxRuns}) as pruned`;
  return row!.pruned;
}

/** Starts a run and works until none is open, as a worker does. */
async function runOne({ sql }: Session): Promise<void> {
  await sql`select pgflow.start_flow('sequential', '1')`;
  for (let open = true; open;) {
    const claims = await sql`
      select run_id, step_slug, task_index, attempt
      from pgflow.poll_for_tasks('sequential', 0, 10, 0, worker_id => gen_random_uuid())`;
    await sql`
      select count(*)
      from pgflow.settle_tasks(${sql.json(claims.map((task) => ({ ...task, output: 1 })))})`;
    open = claims.length > 0;
  }
}

async function count({ sql }: TestDatabase, table: string): Promise<number> {
  const [row] = await sql.unsafe<{ count: number }[]>(`select count(*)::int from ${table}`);
  return row!.count;
}

Deno.test(`prune_data_older_than() deletes ${SIZE} runs in batches, beside a worker at work`, async () => {
  await using database = await oldRuns(SIZE);
  await using pruner = await openSession(database);
  await using worker = await openSession(database);

  let isOver = false;
  const batches: Pruned[] = [];
  const pruning = (async () => {
    while (batches.at(-1)?.more !== false) batches.push(await prune(pruner));
    isOver = true;
  })();
  let completed = 0;
  while (!isOver) {
    await runOne(worker);
    completed++;
  }
  await pruning;

  assertEquals(Math.max(...batches.map(({ runs }) => runs)), 1000);
  assertEquals(Math.max(...batches.map(({ messages }) => messages)), Math.min(SIZE * 3, 10_000));
  assertEquals(batches.reduce((sum, { runs }) => sum + runs, 0), SIZE);
  assertEquals(batches.reduce((sum, { messages }) => sum + messages, 0), SIZE * 3);
  assertEquals(await count(database, "pgflow.runs where status = 'completed'"), completed);
  assertEquals(await count(database, "pgflow.step_tasks"), completed * 3);
  assertEquals(await count(database, "pgmq.a_sequential"), completed * 3);
  assertEquals(await brokenInvariants(database), []);
});

Deno.test("prune_data_older_than() locks no worker out while its batch is not committed", async () => {
  await using database = await oldRuns(1000);
  await using pruner = await openSession(database);
  await using worker = await openSession(database);

  await pruner.begin();
  assertEquals((await prune(pruner)).runs, 1000);
  await runOne(worker);
  await worker.sql`
    select pgflow.start_flow('sequential', '1', run_id => ${runId(1)})`;
  await worker.sql`select pgflow.cancel_run(${runId(1)})`;
  await worker.sql`select pgflow.retry_run(${runId(1)})`;
  const seen = await count(database, "pgflow.runs");
  await pruner.commit();

  assertEquals([seen, await count(database, "pgflow.runs")], [1002, 2]);
  assertEquals(await brokenInvariants(database), []);
});

Deno.test("prune_data_older_than() waits for nobody: a run that somebody holds stays for the next call", async () => {
  await using database = await oldRuns(10);
  await using pruner = await openSession(database);
  await using holder = await openSession(database);
  const [held] = await database.sql`
    update pgflow.runs set status = 'failed', failed_at = completed_at, completed_at = null,
      output = null
    where run_id = (select min(run_id::text)::uuid from pgflow.runs)
    returning run_id`;

  await holder.begin();
  const retried = await holder.sql`select from pgflow.retry_run(${held!.run_id})`;
  const beside = await prune(pruner);
  await holder.rollback();
  const after = await prune(pruner);

  assert(retried.length === 1);
  assertEquals([beside.runs, after.runs], [9, 1]);
});

Deno.test("two calls of prune_data_older_than() at once share the work", async () => {
  await using database = await oldRuns(30);
  await using one = await openSession(database);
  await using other = await openSession(database);

  await one.begin();
  const first = await prune(one, 10);
  const second = await prune(other, 100);
  await one.commit();

  assertEquals([first.runs, second.runs], [10, 20]);
  assertEquals(await count(database, "pgflow.runs"), 0);
});
