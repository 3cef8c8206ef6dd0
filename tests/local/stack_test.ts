import { createClient } from "@supabase/supabase-js";
import { assertEquals } from "@std/assert";
import postgres from "postgres";
import { startStack } from "../../lib/local/stack.ts";
import { wakeWorker } from "../../lib/local/wake_worker.ts";

const functions = [{
  name: "greet_stub",
  entrypoint: import.meta.resolve("./functions/greet_stub.ts"),
}];

Deno.test("startStack() runs a flow that a client starts over HTTP", async () => {
  await using stack = await startStack({ functions });
  const supabase = createClient(stack.url, stack.keys.secret, { auth: { persistSession: false } });
  await wakeWorker(stack, "greet_stub", AbortSignal.timeout(20_000));

  const { data: run, error } = await supabase.rpc("start_flow", {
    flow_slug: "greet_stub",
    input: { name: "Ann" },
  });

  assertEquals(error, null);
  assertEquals(await endOf(stack.databaseUrl, run.run_id), {
    status: "completed",
    output: { shout: "HELLO, ANN" },
  });
});

async function endOf(url: string, runId: string): Promise<unknown> {
  const sql = postgres(url, { max: 1 });
  try {
    for (;;) {
      const [row] = await sql`select status, output from pgflow.runs where run_id = ${runId}`;
      if (row!["status"] !== "started") return { ...row };
    }
  } finally {
    await sql.end();
  }
}

Deno.test("two stacks run at once and share neither keys nor data", async () => {
  await using one = await startStack({ functions });
  await using two = await startStack({ functions });
  const supabase = createClient(one.url, one.keys.secret, { auth: { persistSession: false } });
  await wakeWorker(one, "greet_stub", AbortSignal.timeout(20_000));

  await supabase.rpc("start_flow", { flow_slug: "greet_stub", input: { name: "Ann" } });
  const stranger = createClient(two.url, one.keys.secret, { auth: { persistSession: false } });
  const { error } = await stranger.rpc("start_flow", { flow_slug: "greet_stub", input: {} });

  assertEquals(error?.message, "Invalid API key");
  assertEquals(await flowsIn(one.databaseUrl), ["greet_stub"]);
  assertEquals(await flowsIn(two.databaseUrl), []);
});

Deno.test("a run outlives the isolates that work on it", async () => {
  const logs: string[] = [];
  await using stack = await startStack({
    functions: [{ name: "slow_stub", entrypoint: import.meta.resolve("./functions/slow_stub.ts") }],
    limits: { wallClock: 2000 },
    onLog: ({ text }) => logs.push(text),
  });
  const supabase = createClient(stack.url, stack.keys.secret, { auth: { persistSession: false } });
  await wakeWorker(stack, "slow_stub", AbortSignal.timeout(20_000));

  const { data: run } = await supabase.rpc("start_flow", { flow_slug: "slow_stub", input: 1 });

  assertEquals(await endOf(stack.databaseUrl, run.run_id), {
    status: "completed",
    output: { fifth: 6 },
  });
  const isolates = logs.filter((line) => line.includes("worker started"));
  assertEquals(isolates.length > 1, true, logs.join("\n"));
});

async function flowsIn(url: string): Promise<string[]> {
  const sql = postgres(url, { max: 1 });
  const rows = await sql`select flow_slug from pgflow.flows`;
  await sql.end();
  return rows.map(({ flow_slug }) => flow_slug);
}
