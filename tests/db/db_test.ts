import { assertEquals, assertRejects } from "@std/assert";
import { connect, type Db, JsonParameter } from "../../lib/db/mod.ts";
import { PgflowError } from "../../lib/errors.ts";
import { testDatabase } from "../database.ts";

const SHAPE = {
  max_attempts: 3,
  base_delay: 0,
  timeout: 60,
  steps: [{ step_slug: "first", deps_slugs: [] }, { step_slug: "second", deps_slugs: ["first"] }],
};

const WORKER = "00000000-0000-4000-8000-000000000001";

/** A migrated database with the flow `chain`, and a connection to it. */
async function connected(options: Parameters<typeof connect>[1] = {}) {
  const database = await testDatabase({ direct: options.prepare === true });
  const db = connect(database.url, options);
  await db.ensureFlowCompiled("chain", SHAPE);
  return {
    db,
    sql: database.sql,
    url: database.url,
    async [Symbol.asyncDispose]() {
      await db.close();
      await database[Symbol.asyncDispose]();
    },
  };
}

function poll(db: Db, qty = 10) {
  return db.pollForTasks({ queueName: "chain", qty, workerId: WORKER });
}

Deno.test("ensureFlowCompiled() compiles, verifies, and lists what differs", async () => {
  await using it = await connected();

  const again = await it.db.ensureFlowCompiled("chain", SHAPE);
  const other = await it.db.ensureFlowCompiled("chain", {
    ...SHAPE,
    steps: [{ step_slug: "first", deps_slugs: [] }],
  });

  assertEquals([again, other], [
    { status: "verified", differences: [] },
    { status: "mismatch", differences: ['step "second" is only in the database'] },
  ]);
});

Deno.test("a run goes from startFlow() through pollForTasks() and settleTasks() to its output", async () => {
  await using it = await connected();

  const run = await it.db.startFlow({ flowSlug: "chain", input: { name: "Ada" } });
  const [first] = await poll(it.db);
  const settledFirst = await it.db.settleTasks([{ ...first!, outputJson: '"hello"' }]);
  const [second] = await poll(it.db);
  const settledSecond = await it.db.settleTasks([{ ...second!, outputJson: "[1, 2]" }]);
  const late = await it.db.settleTasks([{ ...second!, outputJson: "[3]" }]);

  const { runId } = run;
  assertEquals({ first, second, settledFirst, settledSecond, late }, {
    first: {
      flowSlug: "chain",
      runId,
      stepSlug: "first",
      taskIndex: 0,
      attempt: 1,
      input: { run: { name: "Ada" } },
    },
    second: {
      flowSlug: "chain",
      runId,
      stepSlug: "second",
      taskIndex: 0,
      attempt: 1,
      input: { run: { name: "Ada" }, first: "hello" },
    },
    settledFirst: [{ runId, stepSlug: "first", taskIndex: 0, status: "completed" }],
    settledSecond: [{ runId, stepSlug: "second", taskIndex: 0, status: "completed" }],
    late: [],
  });
  const ended = await it.db.startFlow({ flowSlug: "chain", input: { name: "Ada" }, runId });
  assertEquals([ended.status, ended.output], ["completed", { second: [1, 2] }]);
});

Deno.test("settleTasks() records failures and gives tasks back", async () => {
  await using it = await connected();
  for (const input of [1, 2, 3]) await it.db.startFlow({ flowSlug: "chain", input });
  const [failing, hopeless, unfinished] = await poll(it.db);

  const settled = await it.db.settleTasks([
    { ...failing!, errorMessage: "no luck", permanent: false },
    { ...hopeless!, errorMessage: "no use", permanent: true },
    { ...unfinished!, release: true },
  ]);

  assertEquals(
    settled.map((task) => task.status).sort(),
    ["failed", "queued", "queued"],
  );
  const again = await poll(it.db);
  assertEquals(
    again.map(({ runId, attempt }) => ({ runId, attempt })).sort((a, b) =>
      a.runId < b.runId ? -1 : 1
    ),
    [{ runId: failing!.runId, attempt: 2 }, { runId: unfinished!.runId, attempt: 2 }].sort((
      a,
      b,
    ) => a.runId < b.runId ? -1 : 1),
  );
});

Deno.test("completeTask() and failTask() settle a task that nobody claimed", async () => {
  await using it = await connected();
  const { runId } = await it.db.startFlow({ flowSlug: "chain", input: null });
  const first = { runId, stepSlug: "first", taskIndex: 0 };

  const failed = await it.db.failTask(first, "no luck");
  const completed = await it.db.completeTask(first, null);
  const repeated = await it.db.completeTask(first, null);

  assertEquals({ failed, completed, repeated }, {
    failed: { ...first, status: "queued" },
    completed: { ...first, status: "completed" },
    repeated: undefined,
  });
});

for (const prepare of [true, false]) {
  Deno.test(`JSON comes back as it went in, ${prepare ? "prepared" : "unprepared"}`, async () => {
    await using it = await connected({ prepare });
    const values = [null, 0, false, "", "42", 42, "null", '"', "\\", "ü🎉", [], {}, [null], {
      a: "1",
    }];

    const found = [];
    for (const value of values) {
      const run = await it.db.startFlow({ flowSlug: "chain", input: value });
      const [first] = await poll(it.db);
      await it.db.settleTasks([{ ...first!, outputJson: JSON.stringify(value) }]);
      const [second] = await poll(it.db);
      await it.db.settleTasks([{ ...second!, outputJson: JSON.stringify(value) }]);
      const ended = await it.db.startFlow({
        flowSlug: "chain",
        input: value,
        runId: run.runId,
      });
      found.push({
        started: run.input,
        input: await it.db.runInput(run.runId),
        payload: second!.input,
        output: ended.output,
      });
    }

    assertEquals(
      found,
      values.map((value) => ({
        started: value,
        input: value,
        payload: { run: value, first: value },
        output: { second: value },
      })),
    );
  });
}

Deno.test("startFlow() rejects with the code and hint that the database raised", async () => {
  await using it = await connected();

  const error = await assertRejects(
    () => it.db.startFlow({ flowSlug: "nothing", input: 1 }),
    PgflowError,
  );

  assertEquals(
    { code: error.code, message: error.message },
    { code: "PF001", message: 'Cannot start flow "nothing": it does not exist' },
  );
});

Deno.test("a worker is registered, lives, is deprecated and stops", async () => {
  await using it = await connected();
  const other = "00000000-0000-4000-8000-000000000002";
  await it.db.registerWorker({
    workerId: WORKER,
    queueNames: ["chain"],
    functionName: "chain",
    leaseMs: 30_000,
  });
  await it.db.registerWorker({
    workerId: other,
    queueNames: ["chain"],
    functionName: "chain",
    leaseMs: 30_000,
  });

  const alive = await it.db.heartbeatWorker(WORKER);
  const deprecated = await it.db.deprecateWorkers("chain", other);
  const told = await it.db.heartbeatWorker(WORKER);
  await it.db.stopWorker(other);
  const stopped = await it.db.heartbeatWorker(other);

  assertEquals({ alive, deprecated, told, stopped }, {
    alive: false,
    deprecated: 1,
    told: true,
    stopped: true,
  });
});

Deno.test("closedAttempts() returns the attempts that may no longer report", async () => {
  await using it = await connected();
  for (const input of [1, 2]) await it.db.startFlow({ flowSlug: "chain", input });
  const [open, closed] = await poll(it.db);
  await it.db.settleTasks([{ ...closed!, errorMessage: "no luck", permanent: false }]);

  const { runId, stepSlug, taskIndex, attempt } = closed!;
  assertEquals(await it.db.closedAttempts([open!, closed!]), [
    { runId, stepSlug, taskIndex, attempt },
  ]);
});

Deno.test("query() takes values of all kinds, null as JSON included", async () => {
  await using it = await connected();
  const given = (strings: TemplateStringsArray, ...values: unknown[]) =>
    it.db.query(strings, values);

  const rows = await given`
    select
      ${"it's"}::text as text,
      ${null}::int as nothing,
      ${["a", 'b"', null]}::text[] as texts,
      ${[1, 2]}::int[] as numbers,
      ${[true, false]}::boolean[] as flags,
      ${[]}::text[] as none,
      ${[1, { a: null }]}::jsonb as list,
      jsonb_typeof(${new JsonParameter(null)}) as json_null,
      ${new JsonParameter("42")} as json_text,
      ${new Date(0)}::timestamptz as date`;

  assertEquals(Array.from(rows), [{
    text: "it's",
    nothing: null,
    texts: ["a", 'b"', null],
    numbers: [1, 2],
    flags: [true, false],
    none: [],
    list: [1, { a: null }],
    json_null: "null",
    json_text: "42",
    date: new Date(0),
  }]);
});

Deno.test("connections carry the worker's name", async () => {
  await using it = await connected({ applicationName: "pgflow:chain" });
  const statement = (strings: TemplateStringsArray) => it.db.query(strings, []);
  assertEquals(
    Array.from(await statement`select current_setting('application_name') as name`),
    [{ name: "pgflow:chain" }],
  );
});
