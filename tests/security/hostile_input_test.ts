import { assert, assertEquals } from "@std/assert";
import { type ServedGateway, serveGateway } from "../local/served_gateway.ts";
import { clientOf } from "./callers.ts";
import { flows } from "./operations.ts";

/** Less than 50 MB, for machines that do other things as well: what comes of more is the same. */
const HUGE = Number(Deno.env.get("PGFLOW_TEST_HUGE") ?? 20_000_000);

/** What no answer to a client may show: where things are, how they are asked, who asks. */
const TELLTALE =
  /\bat \w.*:\d+|\.(ts|sql):|select |insert into|postgres:\/\/|pgmq\.|PL\/pgSQL|sb_secret/i;

/** Sends a call as text, so that it may be anything. */
async function post(
  stack: ServedGateway,
  name: string,
  body: BodyInit,
  key = stack.keys.secret,
): Promise<{ status: number; code: string; message: string; text: string }> {
  const response = await fetch(`${stack.gateway.url}/rest/v1/rpc/${name}`, {
    method: "POST",
    headers: { apikey: key, "content-type": "application/json" },
    body,
  });
  const text = await response.text();
  const { code, message } = JSON.parse(text) ?? {};
  return { status: response.status, code, message, text };
}

Deno.test("deeply nested inputs are refused, however they are nested", async (test) => {
  await using stack = await serveGateway(flows);
  const nests: [string, string, string][] = [["[", "0", "]"], ['{"a":', "0", "}"], [
    "[[],",
    "[]",
    "]",
  ]];
  for (const [open, middle, close] of nests) {
    for (const depth of [101, 5_000, 100_000, 1_000_000]) {
      await test.step(`${depth} times ${open}`, async () => {
        const value = open.repeat(depth) + middle + close.repeat(depth);
        const answer = await post(stack, "start_flow", `{"flow_slug":"members","input":${value}}`);

        // Postgres gives up by itself where its stack ends, PostgREST or the gateway before.
        const refusals = ["PF015", "54001", "PGRST102"];
        assert(refusals.includes(answer.code), answer.text.slice(0, 500));
        assertEquals(TELLTALE.test(answer.text), false, answer.text.slice(0, 500));
      });
    }
  }
  const [left] = await stack.database.sql`select count(*)::int as runs from pgflow.runs`;
  assertEquals(left!.runs, 0);
});

Deno.test("an input as deep as may be can be worked on to its end", async () => {
  await using stack = await serveGateway(flows);
  const { sql } = stack.database;
  const value = "[".repeat(100) + "]".repeat(100);

  const run = await post(stack, "start_flow", `{"flow_slug":"members","input":${value}}`);
  const tasks = await sql`
    select c.status from pgflow.poll_for_tasks('members', 1, 1, 0) t
    cross join lateral pgflow.complete_task(t.run_id, t.step_slug, t.task_index, t.input) c
  `;
  const read = await post(
    stack,
    "get_run",
    JSON.stringify({ run_id: JSON.parse(run.text).run_id }),
  );

  assertEquals([tasks[0]!.status, read.status], ["completed", 200]);
  assertEquals(JSON.parse(read.text).run.status, "completed");
});

Deno.test("inputs and answers of many megabytes are refused with the limit", async () => {
  await using stack = await serveGateway(flows);
  const { sql } = stack.database;
  const [run] = await sql`select run_id from pgflow.start_flow('expense', '{}')`;
  const { run_id } = run!;
  const huge = JSON.stringify("x".repeat(HUGE));

  const start = await post(stack, "start_flow", `{"flow_slug":"members","input":${huge}}`);
  const answer = await post(
    stack,
    "complete_step",
    `{"run_id":"${run_id}","step_slug":"by_server","output":${huge}}`,
  );
  const error = await post(
    stack,
    "fail_step",
    `{"run_id":"${run_id}","step_slug":"by_owner","error_message":${huge}}`,
  );

  // Postgres needs a few bytes more to say what it is.
  const limit = `the value has ${HUGE + 12} bytes, more than 4194304`;
  assertEquals(
    [start.status, start.code, start.message],
    [400, "PF015", `Cannot start flow "members": ${limit}`],
  );
  assertEquals(
    [answer.status, answer.code, answer.message],
    [400, "PF015", `Cannot complete step "by_server": ${limit}`],
  );
  assertEquals(JSON.parse(error.text).error_message.length, 8000);
  const [left] =
    await sql`select count(*)::int as runs from pgflow.runs where flow_slug = 'members'`;
  assertEquals(left!.runs, 0);
});

const oddities: Record<string, string> = {
  "a quote": "mem'bers",
  "a double quote": 'mem"bers',
  "a statement": "members'; drop table pgflow.runs cascade; --",
  "a format": "%s%I%L%n",
  "a backslash": "members\\",
  "a dollar quote": "$$members$$",
  "another case": "MEMBERS",
  "a path": "../members",
  "nothing": "",
  "a wildcard": "%",
  "a like pattern": "m_mbers",
  "markup": "<script>alert(1)</script>",
  "a line break": "members\n",
  "a space": " members",
  "a word of SQL": "null",
  "very much": "m".repeat(100_000),
  "other letters": "mеmbers",
  "emoji": "🦆",
};

Deno.test("whatever a slug or a text has in it is a value and nothing else", async (test) => {
  await using stack = await serveGateway(flows);
  const owner = await clientOf(stack, "owner");
  for (const [what, text] of Object.entries(oddities)) {
    await test.step(what, async () => {
      const run_id = crypto.randomUUID();

      const unknown = await owner.rpc("start_flow", { flow_slug: text, input: 1 });
      const started = await owner.rpc("start_flow", {
        flow_slug: "expense",
        input: { [text]: text },
        run_id,
        // An index takes only so much.
        idempotency_key: text.slice(0, 1000),
      });
      const again = await owner.rpc("start_flow", {
        flow_slug: "expense",
        input: { [text]: text },
        idempotency_key: text.slice(0, 1000),
      });
      const step = await owner.rpc("complete_step", { run_id, step_slug: text, output: text });
      const lists = [
        await owner.rpc("list_runs", { flow_slug: text }),
        await owner.rpc("list_runs", { status: text }),
      ];
      const answered = await owner.rpc("complete_step", {
        run_id,
        step_slug: "by_owner",
        output: { [text]: text },
      });

      assertEquals(unknown.error!.code, "PF011");
      assertEquals(
        unknown.error!.message,
        `Cannot start flow "${text}": it does not exist, or role "authenticated" may not start it`,
      );
      assertEquals([started.error, started.data.input], [null, { [text]: text }]);
      assertEquals(again.data.run_id, run_id);
      assertEquals(step.error!.code, "PF009");
      assertEquals(lists.map(({ data }) => data), [[], []]);
      assertEquals(answered.data.output, { [text]: text });
    });
  }
});

Deno.test("what is no value of its type is refused, and says nothing of ours", async (test) => {
  await using stack = await serveGateway(flows);
  const run_id = "01234567-0000-4000-8000-000000000000";
  const calls: [name: string, body: string, code: string][] = [
    ["start_flow", '{"flow_slug":"members","input":1,"run_id":"1 or 1=1"}', "22P02"],
    ["start_flow", '{"flow_slug":"members","input":1,"start_at":"soon"}', "22007"],
    ["start_flow", '{"flow_slug":"members","input":1,"idempotency_key":"\\u0000"}', "22P05"],
    ["start_flow", '{"flow_slug":"members","input":"\\u0000"}', "22P05"],
    ["start_flow", '{"flow_slug":"members","input":"\\ud800"}', "22P02"],
    ["start_flow", '{"flow_slug":"members","input":1,"broadcast":true}', "PGRST202"],
    ["start_flow", '{"input":1}', "PGRST202"],
    ["start_flow", '{"flow_slug":null,"input":1}', "PF001"],
    ["start_flow", "{", "PGRST102"],
    ["get_run", '{"run_id":null}', "PF005"],
    ["get_run", '{"run_id":"x"}', "22P02"],
    ["list_runs", '{"before":{"started_at":"x"}}', "22007"],
    ["list_runs", '{"before":{"run_id":"x"}}', "22P02"],
    ["list_runs", '{"before":[1]}', "ok"],
    ["list_runs", '{"page_size":-1}', "ok"],
    ["list_runs", '{"page_size":2147483647}', "ok"],
    ["list_runs", '{"page_size":99999999999}', "22003"],
    ["list_approvals", '{"after":{"task_index":"x"}}', "22P02"],
    ["list_approvals", '{"after":"x"}', "ok"],
    ["complete_step", `{"run_id":"${run_id}","step_slug":null,"output":1}`, "PF005"],
    ["complete_step", `{"run_id":"${run_id}","step_slug":"x","task_index":-1,"output":1}`, "PF005"],
    [
      "complete_step",
      `{"run_id":"${run_id}","step_slug":"x","task_index":null,"output":1}`,
      "PF005",
    ],
    ["_start_runs", "{}", "PGRST202"],
    ["api_start_flow", '{"flow_slug":"members"}', "PGRST202"],
    ["pg_sleep", '{"seconds":1}', "PGRST202"],
  ];

  for (const [name, body, code] of calls) {
    await test.step(`${name} ${body}`, async () => {
      const answer = await post(stack, name, body);
      assertEquals(answer.code ?? "ok", code, answer.text);
      assertEquals(TELLTALE.test(answer.text), false, answer.text);
    });
  }
});
