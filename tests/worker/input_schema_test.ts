import { assertEquals } from "@std/assert";
import { Flow, type StandardSchema, type StandardSchemaIssue, type } from "pgflow/dsl";
import { z } from "zod";
import { workerFixture } from "./worker_fixture.ts";

/** A schema that also says what it was asked; those of libraries may ask themselves twice. */
function countingSchema() {
  const asked: unknown[] = [];
  const schema = writtenSchema<{ size: number }>(async ({ size }) => {
    asked.push(size);
    return await Promise.resolve(size < 10 ? undefined : { message: "too large", path: ["size"] });
  });
  return { schema, asked };
}

/** A schema that no library made. */
function writtenSchema<Type>(
  issueOf: (value: Type) => Promise<StandardSchemaIssue | undefined>,
): StandardSchema<Type> {
  return {
    "~standard": {
      version: 1,
      vendor: "test",
      async validate(value) {
        const issue = await issueOf(value as Type);
        return issue === undefined ? { value: value as Type } : { issues: [issue] };
      },
    },
  };
}

Deno.test("a worker fails a run at once whose input the flow's schema refuses", async () => {
  await using fixture = await workerFixture();
  const { schema } = countingSchema();
  const called: string[] = [];
  const flow = new Flow({ slug: "sized", input: schema })
    .step("first", () => called.push("first"))
    .step("second", ["first"], () => called.push("second"));
  await fixture.compile(flow);
  const [bad, good] = [
    await fixture.startRun("sized", { size: 12 }),
    await fixture.startRun("sized", { size: 3 }),
  ];

  await fixture.start(flow).done;

  const message = '[type] Cannot run flow "sized": its input is wrong: $.size: too large';
  assertEquals(await fixture.picture(bad), {
    status: "failed",
    output: null,
    steps: { first: "failed", second: "cancelled" },
    tasks: { "first[0]": [1, message] },
  });
  assertEquals((await fixture.picture(good)).status, "completed");
  assertEquals(called, ["first", "second"]);
});

Deno.test("a worker looks at a run's input once, before the first handlers", async () => {
  await using fixture = await workerFixture();
  const { schema, asked } = countingSchema();
  const flow = new Flow({ slug: "sized", input: schema })
    .step("first", ({ run }) => Array(run.size).fill("x"))
    .map("each", "first", (text) => text)
    .step("second", ["first"], () => 2)
    .step("third", ["second", "each"], () => 3);
  await fixture.compile(flow);
  const run = await fixture.startRun("sized", { size: 3 });

  await fixture.start(flow).done;

  assertEquals((await fixture.picture(run)).status, "completed");
  assertEquals(asked, [3]);
});

Deno.test("no handler is reached past an approval or a skipped step with a wrong input", async () => {
  await using fixture = await workerFixture();
  const { schema } = countingSchema();
  const called: string[] = [];
  const approved = new Flow({ slug: "approved", input: schema })
    .approval("review", { output: type<boolean>() })
    .step("after", ["review"], () => called.push("after"));
  const skipping = new Flow({ slug: "skipping", input: schema })
    .step("first", () => called.push("first"), { runIf: { size: 1 }, whenUnmet: "skip" })
    .step("after", ["first"], () => called.push("after"));
  await fixture.compile([approved, skipping]);
  const runs = [
    await fixture.startRun("approved", { size: 12 }),
    await fixture.startRun("skipping", { size: 12 }),
  ];
  await fixture.sql`select pgflow.complete_step(${runs[0]!}, 'review', 'true')`;

  await fixture.start([approved, skipping]).done;

  const statuses = await Promise.all(runs.map(async (run) => (await fixture.picture(run)).status));
  assertEquals([statuses, called], [["failed", "failed"], []]);
});

Deno.test("the elements of a map over the input wait for the input to be looked at", async () => {
  await using fixture = await workerFixture();
  const called: string[] = [];
  const flow = new Flow({ slug: "listed", input: z.array(z.string().max(3)) })
    .map("each", (text) => called.push(text));
  await fixture.compile(flow);
  const run = await fixture.startRun("listed", ["one", "three"]);

  await fixture.start(flow).done;

  const { status, steps } = await fixture.picture(run);
  assertEquals([status, steps, called], ["failed", { each: "failed" }, []]);
});

Deno.test("a schema that throws is a failed attempt like any other, and takes its step's time", async () => {
  await using fixture = await workerFixture();
  let calls = 0;
  const schema = writtenSchema<string>(() => {
    if (++calls === 1) throw new Error("registry is away");
    return Promise.resolve(undefined);
  });
  const hanging = writtenSchema<string>(() => new Promise(() => {}));
  const flow = new Flow({ slug: "looked_up", input: schema, baseDelay: 0 }).step("a", () => 1);
  const slow = new Flow({ slug: "hanging", input: hanging, maxAttempts: 1, timeout: 1 })
    .step("a", () => 1);
  await fixture.compile([flow, slow]);
  const runs = [
    await fixture.startRun("looked_up", "x"),
    await fixture.startRun("hanging", "x"),
  ];

  await fixture.start([flow, slow]).done;

  assertEquals(
    await Promise.all(runs.map(async (run) => (await fixture.picture(run)).tasks)),
    [
      { "a[0]": [2, null] },
      { "a[0]": [1, '[timeout] Step "a" took longer than its timeout of 1 s'] },
    ],
  );
});
