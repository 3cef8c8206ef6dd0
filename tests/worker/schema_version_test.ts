import { assertEquals, assertRejects } from "@std/assert";
import configuration from "../../deno.json" with { type: "json" };
import { Flow, PgflowError } from "../../lib/dsl/mod.ts";
import { checkSchema, SCHEMA_VERSION } from "../../lib/worker/check_schema.ts";
import { workerFixture } from "./worker_fixture.ts";

const Greet = new Flow<null>({ slug: "greet" }).step("a", () => 1);

Deno.test("the schema, the worker and the package are of one version", async () => {
  await using it = await workerFixture();

  const [row] = await it.sql`select pgflow.schema_version() as version`;

  assertEquals([row!.version, configuration.version], [SCHEMA_VERSION, SCHEMA_VERSION]);
});

Deno.test("checkSchema() accepts patches of its version and refuses what is older or newer", async () => {
  const [major, minor] = SCHEMA_VERSION.split(".").map(Number) as [number, number];
  const verdict = (version: string) =>
    checkSchema({ schemaVersion: () => Promise.resolve(version) }).then(
      () => "accepted",
      (error: PgflowError) => `${error.code} ${/\((.*)\)/.exec(error.hint!)![1]}`,
    );

  assertEquals(
    await Promise.all([
      verdict(`${major}.${minor}.0`),
      verdict(`${major}.${minor}.17`),
      verdict(`${major}.${minor + 1}.0`),
      verdict(`${major}.${minor + 10}.0`),
      verdict(`${major + 1}.0.0`),
      verdict(`${major}.${minor - 1}.9`),
    ]),
    [
      "accepted",
      "accepted",
      "PF106 supabase functions deploy",
      "PF106 supabase functions deploy",
      "PF106 supabase functions deploy",
      "PF106 supabase db push",
    ],
  );
});

for (
  const [version, command] of [["0.0.9", "db push"], ["9.0.0", "functions deploy"]] as const
) {
  Deno.test(`runWorker() refuses schema ${version} and asks for supabase ${command}`, async () => {
    await using it = await workerFixture();
    await it.sql.unsafe(`
      create or replace function pgflow.schema_version() returns text language sql
      as 'select ''${version}''::text'`);

    const worker = it.start(Greet);
    const error = await assertRejects(() => worker.done, PgflowError);

    assertEquals(
      error.message,
      `Cannot work with schema "${version}" of pgflow: this worker is made for ${SCHEMA_VERSION}`,
    );
    assertEquals(error.hint!.includes(`(supabase ${command})`), true);
    await assertRejects(() => worker.started, PgflowError);
    const [stored] = await it.sql`
      select (select count(*) from pgflow.flows)::int as flows,
        (select count(*) from pgflow.workers)::int as workers`;
    assertEquals(stored, { flows: 0, workers: 0 });
  });
}
