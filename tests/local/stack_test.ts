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
