import { assert, assertEquals } from "@std/assert";
import type postgres from "postgres";
import { serveGateway } from "../local/served_gateway.ts";
import { type Caller, callerNames, callers, claimsOf, clientOf, OWNER } from "./callers.ts";
import { flows, input, type Operation, operations, type Runs, SECRET } from "./operations.ts";

type Calls = (
  operation: Operation,
  caller: typeof callerNames[number],
  args: Record<string, unknown>,
) => Promise<{ outcome: string; said: string }>;

Deno.test("every caller gets what the table says, over HTTP", async (test) => {
  await using stack = await serveGateway(flows);
  const clients = Object.fromEntries(
    await Promise.all(callerNames.map(async (name) => [name, await clientOf(stack, name)])),
  );

  await tryAll(test, stack.database.sql, async ({ name }, caller, args) => {
    const { data, error } = await clients[caller].rpc(name, args);
    return { outcome: error?.code ?? "ok", said: JSON.stringify(error ?? data) };
  });
});

Deno.test("every caller gets what the table says, in SQL", async (test) => {
  await using stack = await serveGateway(flows);
  const { sql } = stack.database;

  await tryAll(test, sql, async ({ name }, caller, args) => {
    const list = Object.entries(args).map(([key, value]) =>
      `${key} => '${typeof value === "string" ? value : JSON.stringify(value)}'`
    );
    try {
      const rows = await sql.begin(async (session) => {
        await session`select set_config('request.jwt.claims', ${claimsOf(caller)}, true)`;
        await session.unsafe(`set local role ${(callers[caller] as Caller).role}`);
        return await session.unsafe(`select to_jsonb(x) from public.${name}(${list.join(", ")}) x`);
      });
      return { outcome: "ok", said: JSON.stringify(rows) };
    } catch (error) {
      const { code, message } = error as postgres.PostgresError;
      return { outcome: code, said: message };
    }
  });
});

/** Tries each operation as each caller, and looks at what became of the runs. */
async function tryAll(test: Deno.TestContext, sql: postgres.Sql, call: Calls): Promise<void> {
  let cases = 0;
  for (const operation of operations) {
    for (const caller of callerNames) {
      const runs = await makeRuns(sql);
      const args = operation.args(runs);
      const what = JSON.stringify(args).replaceAll(
        /[0-9a-f-]{36}/g,
        (id) => Object.entries(runs).find(([, value]) => value === id)?.[0] ?? id,
      );
      cases++;
      await test.step(`${caller}: ${operation.name} ${what}`, async () => {
        const before = await picture(sql, runs);

        const { outcome, said } = await call(operation, caller, args);

        assertEquals(outcome, operation.expected[caller], said);
        if (outcome === "ok") return;
        assertEquals(await picture(sql, runs), before, "a refused call changed something");
        assert(!said.includes(SECRET), said);
      });
    }
  }
  assert(cases >= 150, `${cases} cases`);
}

async function makeRuns(sql: postgres.Sql): Promise<Runs> {
  const [open, cancelled, nobodys, unknown] = Array.from({ length: 4 }, () => crypto.randomUUID());
  const json = sql.json(input);
  await sql`
    select public.start_flow('expense', ${json}, ${open!}, idempotency_key => ${open!}, owner => ${OWNER})
  `;
  await sql`select public.start_flow('expense', ${json}, ${cancelled!}, owner => ${OWNER})`;
  await sql`select public.cancel_run(${cancelled!})`;
  await sql`
    select public.start_flow('everybody', ${json}, ${nobodys!}, idempotency_key => ${nobodys!})
  `;
  return { open: open!, cancelled: cancelled!, nobodys: nobodys!, unknown: unknown! };
}

/** All that is stored, but for the limits of owners: nothing of it may change by a refused call. */
async function picture(sql: postgres.Sql, runs: Runs): Promise<unknown> {
  const [row] = await sql`
    select
      (select count(*)::int from pgflow.runs) as runs,
      (select count(*)::int from pgmq.q_expense) as messages,
      (
        select jsonb_agg(to_jsonb(r) order by r.run_id)
        from pgflow.runs r where r.run_id = any (${Object.values(runs)})
      ) as rows,
      (
        select jsonb_agg(to_jsonb(t) order by t.run_id, t.step_slug)
        from pgflow.step_tasks t where t.run_id = any (${Object.values(runs)})
      ) as tasks
  `;
  return row;
}

Deno.test("lists show a caller's own runs and approvals, and nothing of anybody else's", async () => {
  await using stack = await serveGateway(flows);
  const { sql } = stack.database;
  const { open, cancelled, nobodys } = await makeRuns(sql);
  const names: Record<string, string> = {
    [open]: "open",
    [cancelled]: "cancelled",
    [nobodys]: "nobodys",
  };

  const seen = Object.fromEntries(
    await Promise.all(
      callerNames.filter((name) => name !== "anon").map(async (name) => {
        const client = await clientOf(stack, name);
        const { data: runs } = await client.rpc("list_runs");
        const { data: approvals } = await client.rpc("list_approvals");
        return [name, {
          runs: runs.map((run: { run_id: string }) => names[run.run_id]).sort(),
          approvals: approvals.map((row: { step_slug: string }) => row.step_slug).sort(),
        }];
      }),
    ),
  );

  const nothing = { runs: [], approvals: [] };
  assertEquals(seen, {
    owner: { runs: ["cancelled", "open"], approvals: ["by_owner"] },
    other: nothing,
    manager: { runs: [], approvals: ["by_role"] },
    boss: { runs: [], approvals: ["by_user"] },
    foreign: nothing,
    server: {
      runs: ["cancelled", "nobodys", "open"],
      approvals: ["by_owner", "by_role", "by_server", "by_user"],
    },
  });
});

Deno.test("a run of somebody else is answered word for word as one that does not exist", async () => {
  await using stack = await serveGateway(flows);
  const { open, unknown } = await makeRuns(stack.database.sql);
  const other = await clientOf(stack, "other");
  const answers = async (run_id: string) => {
    const calls = [
      other.rpc("get_run", { run_id }),
      other.rpc("cancel_run", { run_id }),
      other.rpc("retry_run", { run_id }),
      other.rpc("complete_step", { run_id, step_slug: "by_role", output: 1 }),
      other.rpc("fail_step", { run_id, step_slug: "by_role" }),
    ];
    return (await Promise.all(calls)).map(({ error, status }) => [
      status,
      { ...error, message: error!.message.replace(run_id, "<run>") },
    ]);
  };

  assertEquals(await answers(open), await answers(unknown));
});
