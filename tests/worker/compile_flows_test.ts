import { assertEquals } from "@std/assert";
import { connect } from "../../lib/db/mod.ts";
import { Flow, type PgflowError } from "../../lib/dsl/mod.ts";
import { compileFlows } from "../../lib/worker/compile_flows.ts";
import { workerFixture } from "./worker_fixture.ts";

const One = new Flow<null>({ slug: "greet" }).step("a", () => 1);
const Two = new Flow<null>({ slug: "greet" }).step("a", () => 1).step("b", () => 2);
const allowed = { PGFLOW_ALLOW_SHAPE_REPLACEMENT: "true" };

/** Compiles the other shape of a flow that has a run, and returns what came of it. */
async function compileOther(env: Record<string, string>) {
  await using it = await workerFixture();
  await it.compile(One);
  await it.startRun("greet", null);
  const db = connect(it.url, { max: 1, applicationName: "test" });
  const lines: string[] = [];
  const log = (line: string) => lines.push(line);
  const logger = { debug: log, info: log, warn: log, error: log };
  const code = await compileFlows(db, [Two], { env, logger }).then(
    () => null,
    (error: PgflowError) => error.code,
  );
  await db.close();
  const [stored] = await it.sql<{ steps: number; runs: number }[]>`
    select (select count(*) from pgflow.steps)::int as steps,
      (select count(*) from pgflow.runs)::int as runs`;
  return { code, lines, ...stored! };
}

Deno.test("compileFlows() replaces a flow's shape where the environment allows it, and says so", async () => {
  assertEquals(await compileOther(allowed), {
    code: null,
    lines: ['replaced flow "greet", its runs are deleted: step "b" is not in the database'],
    steps: 2,
    runs: 0,
  });
});

for (
  const [name, env] of Object.entries({
    "without leave": {},
    "with anything but true": { PGFLOW_ALLOW_SHAPE_REPLACEMENT: "1" },
    "on the hosted platform": { ...allowed, SB_REGION: "eu-west-1" },
    "on the hosted platform's other sign": { ...allowed, DENO_DEPLOYMENT_ID: "1" },
  })
) {
  Deno.test(`compileFlows() replaces nothing ${name}`, async () => {
    assertEquals(await compileOther(env), { code: "PF003", lines: [], steps: 1, runs: 1 });
  });
}
