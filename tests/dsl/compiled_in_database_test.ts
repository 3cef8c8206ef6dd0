import { assertEquals, assertRejects } from "@std/assert";
import { compileFlow, Flow, flowShape } from "pgflow/dsl";
import { AnalyzeWebsite } from "../../flows/analyze_website.ts";
import { GreetUser } from "../../flows/greet_user.ts";
import { RefundOrder } from "../../flows/refund_order.ts";
import { type TestDatabase, testDatabase } from "../database.ts";
import { Teams } from "./example_flows.ts";

const handler = () => null;

const Everything = new Flow({
  slug: "everything",
  maxAttempts: 0,
  baseDelay: 0,
  retryJitter: 0.25,
  timeout: 1,
  startableBy: ["authenticated", "anon"],
  openRunsPerOwner: 2,
  startsPerMinutePerOwner: 3,
})
  .step("_", handler)
  .step({ slug: "second", dependsOn: ["_"], maxAttempts: 9, baseDelay: 8, timeout: 7 }, handler)
  .step("third", ["second", "_"], handler, { startDelay: 6, whenExhausted: "skip" })
  .step("list", () => ['O\'Hara \\ "x"'])
  .map("each", "list", (name) => name, {
    runIf: { list: ['O\'Hara \\ "x"'] },
    runUnless: { list: [] },
    whenUnmet: "skip",
  })
  .mapApproval("ask", "list", { assignee: "user" });

Deno.test("compileFlow() and flowShape() describe the same flow to the database", async () => {
  await using db = await testDatabase();

  const statuses: string[] = [];
  for (const flow of [GreetUser, AnalyzeWebsite, Everything, Teams, RefundOrder]) {
    // Twice, as when a migration runs in a database that a worker has compiled the flow in.
    for (const statement of [...compileFlow(flow), ...compileFlow(flow)]) {
      await db.sql.unsafe(statement);
    }
    const [row] = await db.sql`
      select pgflow.ensure_flow_compiled(${flow.slug}, ${db.sql.json(flowShape(flow) as never)})
        as result`;
    statuses.push(row!["result"].status);
  }
  assertEquals(statuses, Array(5).fill("verified"));

  const steps = await db.sql`
    select step_slug, opt_max_attempts, opt_base_delay, opt_timeout
    from pgflow.steps where flow_slug = 'everything' order by step_index`;
  assertEquals(steps.map((step) => Object.values(step)), [
    ["_", null, null, null],
    ["second", 9, 8, 7],
    ["third", null, null, null],
    ["list", null, null, null],
    ["each", null, null, null],
    ["ask", null, null, null],
  ]);
});

Deno.test("who may start, watch and answer is updated in place, however it was made", async () => {
  const open = new Flow({
    slug: "asks",
    startableBy: ["authenticated", "anon"],
    openRunsPerOwner: 2,
    startsPerMinutePerOwner: 3,
    broadcast: true,
  }).approval("ask", { assignee: "owner" });
  const closed = new Flow({ slug: "asks" }).approval("ask");
  await using db = await testDatabase();
  for (const statement of compileFlow(open)) await db.sql.unsafe(statement);
  const pictures = [await rules(db)];

  for (const flow of [open, closed, open]) {
    const shape = db.sql.json(flowShape(flow) as never);
    const [row] = await db.sql`
      select pgflow.ensure_flow_compiled(${flow.slug}, ${shape}) ->> 'status' as status`;
    pictures.push([row!["status"], ...await rules(db)]);
  }

  assertEquals(pictures, [
    [["anon", "authenticated"], 2, 3, true, "owner"],
    ["verified", ["anon", "authenticated"], 2, 3, true, "owner"],
    ["verified", [], null, null, false, null],
    ["verified", ["anon", "authenticated"], 2, 3, true, "owner"],
  ]);
});

async function rules(db: TestDatabase): Promise<unknown[]> {
  const [row] = await db.sql`
    select f.startable_by, f.open_runs_per_owner, f.starts_per_minute_per_owner, f.broadcast,
      s.assignee
    from pgflow.flows f join pgflow.steps s using (flow_slug)`;
  return Object.values(row!);
}

Deno.test("the database refuses the slugs that the DSL refuses, and takes those it takes", async () => {
  await using db = await testDatabase();
  const slugs = ["a", "A_9", "_", "s".repeat(128), "run", "", "1a", "a-b", "a b", "ä", "a\n"];
  for (const slug of [...slugs, "s".repeat(129)]) {
    const [row] = await db.sql`select pgflow.is_valid_slug(${slug}) as valid`;
    assertEquals({ slug, valid: row!["valid"] }, { slug, valid: takes(slug) });
  }
  await db.sql`select pgflow.create_flow(${"f".repeat(47)})`;
  await assertRejects(() => db.sql`select pgflow.create_flow(${"f".repeat(48)})`);
});

function takes(slug: string): boolean {
  try {
    new Flow({ slug: "f" }).step(slug, handler);
    return true;
  } catch {
    return false;
  }
}
