import { createClient } from "@supabase/supabase-js";
import { assertEquals } from "@std/assert";
import postgres from "postgres";
import { type Stack, startStack } from "../../lib/local/stack.ts";

const functions = [{
  name: "brief_stub",
  entrypoint: import.meta.resolve("./functions/brief_stub.ts"),
}];

Deno.test("a start wakes the function, the first time and after its worker has ended", async () => {
  await using stack = await startStack({ functions });
  await using database = connect(stack);
  const { sql } = database;
  // As a migration does: no worker has run yet.
  await sql`select pgflow.create_flow('brief_stub'), pgflow.add_step('brief_stub', 'act')`;

  const outputs = [];
  for (let i = 1; i <= 3; i++) {
    outputs.push(await run(stack, sql, i));
    await untilIdle(sql);
    if (i === 2) await stack.host.reload("brief_stub");
  }

  assertEquals(outputs, [{ act: 2 }, { act: 3 }, { act: 4 }]);
  const [workers] = await sql`
    select count(*)::int as started, count(stopped_at)::int as stopped from pgflow.workers`;
  // A call that took long to be answered was made again.
  assertEquals([workers!.started >= 3, workers!.stopped], [true, workers!.started]);
});

Deno.test("a run that starts later, and one whose worker was killed, go on by the watchdog", async () => {
  await using stack = await startStack({ functions });
  await using database = connect(stack);
  const { sql } = database;
  await sql`select pgflow.create_flow('brief_stub'), pgflow.add_step('brief_stub', 'act')`;
  await sql`select pgflow.register_worker(gen_random_uuid(), 'brief_stub', 'gone', lease_ms => 1)`;
  const [lost] = await sql`
    select r.run_id
    from pgflow.start_flow('brief_stub', '1') r,
      pgflow.poll_for_tasks('brief_stub', 0, 1, 0, worker_id => (select worker_id from pgflow.workers))`;
  const [later] = await sql`
    select run_id from pgflow.start_flow('brief_stub', '2', start_at => now() + interval '1 second')`;

  const ends = [await endOf(sql, lost!.run_id), await endOf(sql, later!.run_id)];

  assertEquals(ends, [
    { status: "completed", output: { act: 2 } },
    { status: "completed", output: { act: 3 } },
  ]);
  const failures = await sql`select run_id, error_message from pgflow.task_failures`;
  assertEquals([...failures], [{
    run_id: lost!.run_id,
    error_message: "[lost worker] attempt 1 was never reported",
  }]);
});

async function run(stack: Stack, sql: postgres.Sql, input: number): Promise<unknown> {
  const supabase = createClient(stack.url, stack.keys.secret, { auth: { persistSession: false } });
  const { data } = await supabase.rpc("start_flow", { flow_slug: "brief_stub", input });
  return (await endOf(sql, data.run_id)).output;
}

async function endOf(sql: postgres.Sql, runId: string) {
  for (;;) {
    const [row] = await sql`select status, output from pgflow.runs where run_id = ${runId}`;
    if (row!.status !== "started") return { status: row!.status, output: row!.output };
  }
}

async function untilIdle(sql: postgres.Sql): Promise<void> {
  while ((await sql`select from pgflow.live_workers`).length > 0);
}

function connect(stack: Stack): { sql: postgres.Sql } & AsyncDisposable {
  const sql = postgres(stack.databaseUrl, { max: 1, onnotice: () => {} });
  return { sql, [Symbol.asyncDispose]: () => sql.end({ timeout: 1 }) };
}
