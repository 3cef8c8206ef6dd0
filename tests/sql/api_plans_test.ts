import { assertEquals } from "@std/assert";
import { testDatabase } from "../database.ts";
import { addFinishedRuns } from "../fill_tables.ts";
import { openPlanReader, type TableScan } from "./read_plans.ts";

/** Runs and waiting approvals in the tables, each, half of them one user's. */
const SIZE = Number(Deno.env.get("PGFLOW_PLANS_SIZE") ?? 20_000);
const OWNER = "a0000000-0000-4000-8000-00000000000a";
const run = (n: number) => `10000000-0000-4000-8000-${String(n).padStart(12, "0")}`;
const grows = ({ table }: TableScan) => /^pgflow\.(runs|step_|task_|owner_counts)/.test(table);

Deno.test("no call of the API reads a whole table, nor all that is one user's", async (test) => {
  await using database = await testDatabase();
  const { sql } = database;
  await sql`
    select pgflow.create_flow('limited', startable_by => array['authenticated'],
      open_runs_per_owner => 100000, starts_per_minute_per_owner => 100000)`;
  await sql`select pgflow.add_step('limited', 'only')`;
  await sql`select pgflow.create_flow('asks', startable_by => array['authenticated'])`;
  await sql`select pgflow.add_step('asks', 'ask', performed_by => 'approval', assignee => 'user:run')`;
  await addFinishedRuns(sql, "limited", SIZE);
  // Newer than the others, and open.
  await sql`
    select count(*)
    from pgflow.start_flows('asks', (select jsonb_agg(x.user_id) from (
      select case when i % 2 = 0 then ${OWNER} else gen_random_uuid()::text end as user_id
      from generate_series(1, ${SIZE}::int) i
    ) x))`;
  await sql`
    update pgflow.runs r set owner = ${OWNER}
    where abs(hashtext(r.run_id::text)) % 2 = 0`;
  await sql`
    insert into pgflow.owner_counts (flow_slug, owner)
    select 'limited', gen_random_uuid() from generate_series(1, ${SIZE}::int)`;
  await sql`
    insert into pgflow.task_failures (run_id, step_slug, task_index, attempt, error_message)
    select run_id, step_slug, 0, 1, 'no' from pgflow.step_tasks where status = 'completed'`;
  await sql`vacuum analyze`;
  await using plans = await openPlanReader(database.url);
  const claims = JSON.stringify({ role: "authenticated", sub: OWNER });

  const calls: Record<string, string> = {
    "start_flow()": `start_flow('limited', '1', run_id => '${run(1)}')`,
    "start_flow() again": `start_flow('limited', '1', run_id => '${run(1)}')`,
    "start_flow() of an approval": `start_flow('asks', '"${OWNER}"', run_id => '${run(2)}')`,
    "get_run()": `get_run('${run(1)}')`,
    "list_runs()": "list_runs(page_size => 20)",
    "list_runs() of a flow": "list_runs(flow_slug => 'limited', page_size => 20)",
    "list_runs() of a status that is not rare":
      "list_runs(flow_slug => 'limited', status => 'completed', page_size => 20)",
    "list_runs(), a later page": `list_runs(page_size => 20, before => '{"started_at": "${
      new Date(Date.now() - 30 * 86_400_000 + SIZE).toISOString()
    }", "run_id": "${run(1)}"}')`,
    "list_approvals()": "list_approvals(page_size => 20)",
    "list_approvals(), a later page": `list_approvals(20, '{"waiting_since": "${
      new Date().toISOString()
    }", "run_id": "${run(1)}", "step_slug": "ask", "task_index": 0}')`,
    "complete_step()": `complete_step('${run(2)}', 'ask', '1')`,
    "cancel_run()": `cancel_run('${run(1)}')`,
    "retry_run()": `retry_run('${run(1)}')`,
  };
  for (const role of ["authenticated", "service_role"]) {
    for (const [name, call] of Object.entries(calls)) {
      // What the server calls otherwise is the same.
      if (role === "service_role" && !/^(get|list)/.test(call)) continue;
      await test.step(`${role}: ${name}`, async () => {
        await plans.sql`select set_config('request.jwt.claims', ${claims}, false)`;
        // Only for the length of the statement, since the reader's settings are a superuser's.
        const scans = await plans.scansOf(`
          select count(*)
          from (select set_config('role', '${role}', true) offset 0) who
          cross join lateral public.${call}
        `).then((scans) => scans.filter(grows));

        assertEquals(scans.length > 0, true, "no plan was told");
        assertEquals(
          scans.filter(({ scan, rows, blocks }) =>
            scan.startsWith("Seq Scan") || rows > 400 || blocks > 2000
          ),
          [],
        );
      });
    }
  }
});
