import { assert, assertEquals } from "@std/assert";
import { testDatabase } from "../database.ts";
import { fillDatabase } from "./fill_database.ts";
import { brokenInvariants } from "./pictures.ts";
import { openPlanReader, type PlanReader, type TableScan } from "./read_plans.ts";

/** Finished runs and delayed runs in the tables, each; 1,000,000 takes minutes. */
const SIZE = Number(Deno.env.get("PGFLOW_PLANS_SIZE") ?? 20_000);

/** What no statement of a call about ten tasks comes near to, unless it reads whole tables. */
const MAX_ROWS = 400;
const MAX_BLOCKS = 2000;

/** Tables that grow with runs or workers; the others grow with definitions. */
const grows = ({ table }: TableScan) =>
  !/^pgflow\.(flows|steps|deps|functions)$|^(pg_catalog|vault)\./.test(table);

const run = (n: number) => `10000000-0000-4000-8000-${String(n).padStart(12, "0")}`;
const owner = "20000000-0000-4000-8000-000000000001";
const worker = "00000000-0000-4000-8000-000000000001";

Deno.test("no call reads a whole table, however many runs, tasks and workers there are", async (t) => {
  await using database = await testDatabase();
  await fillDatabase(database.sql, { size: SIZE, owner });
  // Whatever a call does for a run that nobody watches, it does for one that is watched, and more.
  await database.sql`update pgflow.flows set broadcast = true where true`;
  await using plans = await openPlanReader(database.url);

  const called = new Set<string>();
  const tell = async (name: string, call: string) => {
    await t.step(name, async () => {
      const scans = (await plans.scansOf(call)).filter(grows);
      for (const scan of scans) called.add(scan.table);
      assertEquals(scans.filter(isTooMuch), []);
    });
  };
  await starts(tell);
  await tasks(tell, plans);
  await kinds(tell, plans);
  await control(tell);
  await api(tell);
  await workers(tell, plans);

  assertEquals([...called].filter((table) => table.startsWith("pgflow.")).toSorted(), [
    "pgflow.owner_counts",
    "pgflow.runs",
    "pgflow.step_states",
    "pgflow.step_tasks",
    "pgflow.task_failures",
    "pgflow.workers",
  ]);
  assert(called.has("pgmq.q_sequential") && called.has("pgmq.a_sequential"));
  assertEquals(await brokenInvariants(database), []);
});

type Tell = (name: string, call: string) => Promise<void>;

function isTooMuch({ scan, rows, blocks }: TableScan): boolean {
  return scan.startsWith("Seq Scan") || rows > MAX_ROWS || blocks > MAX_BLOCKS;
}

async function starts(tell: Tell): Promise<void> {
  const start = (args: string) =>
    `select count(*) from pgflow.start_flow('sequential', '1', ${args})`;
  await tell("start_flow()", start(`run_id => '${run(1)}'`));
  await tell("start_flow() again with its id", start(`run_id => '${run(1)}'`));
  await tell("start_flow() with a key", start("idempotency_key => 'a key'"));
  await tell("start_flow() again with its key", start("idempotency_key => 'a key'"));
  await tell("start_flow() for later", start(`run_id => '${run(2)}', start_at => 'tomorrow'`));
  await tell(
    "start_flows()",
    "select count(*) from pgflow.start_flows('sequential', '[1, 2, 3, 4]')",
  );
  await tell("start_flow_with_states()", "select pgflow.start_flow_with_states('sequential', '1')");
  await tell("public.start_flow()", "select public.start_flow('sequential', '1')");
}

async function tasks(tell: Tell, plans: PlanReader): Promise<void> {
  const poll = `select count(*) from pgflow.poll_for_tasks(
    'sequential', 1, 10, 0, worker_id => '${worker}'
  )`;
  await tell("wait_for_tasks()", "call pgflow.wait_for_tasks('{sequential,single,kinds}', 0)");
  await tell("poll_for_tasks()", poll);
  await tell("settle_tasks() with outputs", await settle(plans, "sequential", { output: 1 }));
  await tell(
    "settle_tasks() with errors",
    await settle(plans, "sequential", { error_message: "!" }),
  );
  await tell(
    "settle_tasks() with last errors",
    await settle(plans, "sequential", { error_message: "!", permanent: true }),
  );
  await tell(
    "settle_tasks() with tasks given back",
    await settle(plans, "sequential", { release: true }),
  );
  await plans.sql`
    update pgflow.step_tasks set due_at = now() - interval '1 second'
    where (run_id, step_slug) in (
      select run_id, step_slug from pgflow.step_tasks where due_at is not null limit 10
    )`;
  await tell("wait_for_tasks() with due tasks", "call pgflow.wait_for_tasks('{sequential}', 0)");
  await tell("poll_for_tasks() with due tasks", poll);
  await plans.sql`
    update pgflow.step_tasks set attempts_count = 3, open_attempt = 3
    where status = 'started'`;
  await plans.sql`update pgmq.q_sequential set vt = now() - interval '1 second' where vt > now()`;
  await tell("poll_for_tasks() after lost workers", poll);
  await tell(
    "start_tasks()",
    `select count(*) from pgflow.start_tasks('sequential', '{1500, 1501, 1502}', '${worker}')`,
  );
}

async function kinds(tell: Tell, plans: PlanReader): Promise<void> {
  await plans.sql`select pgflow.start_flow('kinds', '1', run_id => ${run(3)})`;
  await plans.sql`select pgflow.start_flow('kinds', '1', run_id => ${run(4)})`;
  await tell(
    "settle_tasks() that starts maps",
    await settle(plans, "kinds", { output: [1, 2, 3] }),
  );
  await tell("settle_tasks() that starts child runs", await settle(plans, "kinds", { output: 2 }));
  await tell("settle_tasks() that ends child runs", await settle(plans, "single", { output: 3 }));
  await tell("why() of an approval", `select * from pgflow.why('${run(3)}')`);
  await tell("complete_step()", `select pgflow.complete_step('${run(3)}', 'sign', '1')`);
  await tell("retry of a step", `select pgflow.start_ready_steps('${run(3)}')`);
  await plans.sql`
    update pgflow.step_tasks set due_at = now() - interval '1 second'
    where flow_slug = 'kinds' and status = 'waiting'`;
  await tell(
    "poll_for_tasks() that ends approvals",
    "select pgflow.poll_for_tasks('kinds', 1, 1, 0)",
  );
  await plans.sql`select pgflow.start_flow('kinds', '1', run_id => ${run(5)})`;
  await plans.sql.unsafe(await settle(plans, "kinds", { output: [1] }));
  await plans.sql.unsafe(await settle(plans, "kinds", { output: 1 }));
  await plans.sql.unsafe(await settle(plans, "single", { output: 1 }));
  await tell("fail_step()", `select pgflow.fail_step('${run(5)}', 'sign', 'no')`);
}

async function control(tell: Tell): Promise<void> {
  await tell("cancel_run()", `select count(*) from pgflow.cancel_run('${run(1)}')`);
  await tell("retry_run()", `select count(*) from pgflow.retry_run('${run(1)}')`);
  await tell("maybe_complete_run()", `select pgflow.maybe_complete_run('${run(1)}')`);
  await tell("joining a topic", `select pgflow._may_watch('pgflow:run:${run(1)}')`);
  await tell("get_run_with_states()", `select pgflow.get_run_with_states('${run(1)}')`);
  await tell("why()", `select * from pgflow.why('${run(1)}')`);
  await tell("prune_data_older_than()", "select pgflow.prune_data_older_than('1 day', 20, 20)");
}

async function api(tell: Tell): Promise<void> {
  const as = (claims: object, call: string) => `
    begin;
    set local role authenticated;
    select set_config('request.jwt.claims', '${JSON.stringify(claims)}', true);
    ${call};
    commit`;
  const user = { sub: owner, role: "authenticated" };
  const boss = { ...user, app_metadata: { role: "boss" } };
  await tell("public.list_runs() of a user", as(user, "select count(*) from public.list_runs()"));
  await tell(
    "public.list_runs() of a user, next page",
    as(
      user,
      `select count(*) from public.list_runs('sequential', before => '{"started_at": "today"}')`,
    ),
  );
  await tell("public.list_runs() of the server", "select count(*) from public.list_runs()");
  await tell(
    "public.list_approvals() of a user",
    as(boss, "select count(*) from public.list_approvals(20)"),
  );
  await tell(
    "public.list_approvals() of the server",
    "select count(*) from public.list_approvals(20)",
  );
  await tell("public.get_run()", `select public.get_run('${run(1)}')`);
  const start = as(user, "select public.start_flow('asks', '1')");
  await tell("public.start_flow() within limits", start);
}

async function workers(tell: Tell, plans: PlanReader): Promise<void> {
  const claims = JSON.stringify(await claim(plans, "sequential"));
  await tell(
    "register_worker()",
    `select pgflow.register_worker('${run(9)}', 'sequential', 'new')`,
  );
  await tell(
    "acquire_worker()",
    `select pgflow.acquire_worker('${run(8)}', 'newer', array['sequential'])`,
  );
  await tell("drain_worker()", `select pgflow.drain_worker('${run(8)}')`);
  await tell("heartbeat_worker()", `select pgflow.heartbeat_worker('${run(9)}')`);
  await tell("closed_attempts()", `select * from pgflow.closed_attempts('${claims}')`);
  await tell("deprecate_workers()", "select pgflow.deprecate_workers('new')");
  await tell("stop_worker()", `select pgflow.stop_worker('${run(9)}')`);
  await tell("requeue_stalled_tasks()", "select pgflow.requeue_stalled_tasks()");
  await tell("ensure_workers()", "select * from pgflow.ensure_workers()");
  await tell("live_workers", "select * from pgflow.live_workers");
}

/** Claims ten tasks and returns the call that settles them all in one way. */
async function settle(plans: PlanReader, flow: string, result: object): Promise<string> {
  const results = (await claim(plans, flow)).map((task) => ({ ...task, ...result }));
  return `select count(*) from pgflow.settle_tasks('${JSON.stringify(results)}')`;
}

async function claim(plans: PlanReader, flow: string): Promise<Record<string, unknown>[]> {
  const claims = await plans.sql`
    select run_id, step_slug, task_index, attempt
    from pgflow.poll_for_tasks(${flow}, 1, 10, 0, worker_id => ${worker})`;
  assert(claims.length > 0, `no task of ${flow} to settle`);
  return [...claims];
}
