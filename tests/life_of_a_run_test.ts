import { createClient } from "@supabase/supabase-js";
import postgres from "postgres";
import { assertEquals } from "@std/assert";
import { startStack } from "../lib/local/stack.ts";
import { startPooler } from "./pooler.ts";

const isPooled = Deno.env.has("PGFLOW_TEST_POOLER_URL");

// The README's table as one program: each stage is looked at from outside, on the whole stack.
Deno.test("life of a run: describe, start, wait, claim, work, settle, go on, end, see", async (t) => {
  await using poolers = new AsyncDisposableStack();
  await using stack = await startStack(
    isPooled ? { functionsUrl: async (url) => poolers.use((await startPooler(url))!).url } : {},
  );
  const sql = postgres(stack.databaseUrl, { onnotice: () => {} });
  const supabase = createClient(stack.url, stack.keys.secret, {
    auth: { persistSession: false, autoRefreshToken: false },
  });
  const wake = () =>
    fetch(`${stack.url}/functions/v1/greet_user`, {
      method: "POST",
      headers: { apikey: stack.keys.secret },
    });
  let runId = "";

  await t.step("describe: a worker's start makes rows of a flow's file", async () => {
    const { status } = await (await wake()).json();

    assertEquals(status, "started");
    assertEquals(
      [
        ...await sql`
        select s.step_slug, array(select d.dep_slug from pgflow.deps d
          where d.flow_slug = s.flow_slug and d.step_slug = s.step_slug) as deps
        from pgflow.steps s where s.flow_slug = 'greet_user' order by s.step_index`,
      ],
      [{ step_slug: "full_name", deps: [] }, { step_slug: "greeting", deps: ["full_name"] }],
    );
  });

  await t.step("start: supabase.rpc() returns the run", async () => {
    const input = { first_name: "Ada", last_name: "Lovelace" };

    const { data, error } = await supabase.rpc("start_flow", { flow_slug: "greet_user", input });

    assertEquals(error, null);
    assertEquals([data.flow_slug, data.input], ["greet_user", input]);
    runId = data.run_id;
  });

  await t.step(
    "wait, claim, work, settle, go on, end: the worker brings it to its output",
    async () => {
      for (let status = "started"; status === "started";) {
        const [run] = await sql`select status from pgflow.runs where run_id = ${runId}`;
        status = run!.status;
      }

      assertEquals(
        [
          ...await sql`
        select t.step_slug, t.status, t.attempts_count, t.output, t.last_worker_id is not null as worked
        from pgflow.step_tasks t where t.run_id = ${runId} order by t.step_slug`,
        ],
        [
          {
            step_slug: "full_name",
            status: "completed",
            attempts_count: 1,
            output: "Ada Lovelace",
            worked: true,
          },
          {
            step_slug: "greeting",
            status: "completed",
            attempts_count: 1,
            output: "Hello, Ada Lovelace!",
            worked: true,
          },
        ],
      );
      assertEquals(
        [
          ...await sql`
        select
          (select count(*)::int from pgmq.q_greet_user) as queued,
          (select count(*)::int from pgmq.a_greet_user) as archived`,
        ],
        [{ queued: 0, archived: 2 }],
      );
    },
  );

  await t.step("see: one call tells all of it, and no invariant is broken", async () => {
    const [row] = await sql`select pgflow.get_run_with_states(${runId}) as states`;
    const { run, steps } = row!.states;

    assertEquals(
      {
        status: run.status,
        output: run.output,
        steps: steps.map((step: { step_slug: string; status: string }) => [
          step.step_slug,
          step.status,
        ]),
      },
      {
        status: "completed",
        output: { greeting: "Hello, Ada Lovelace!" },
        steps: [["full_name", "completed"], ["greeting", "completed"]],
      },
    );
    assertEquals([...await sql`select * from pgflow.broken_invariants`], []);
  });

  await sql.end();
});
