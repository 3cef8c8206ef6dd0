import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Flow, type Json, PermanentError, PgflowError } from "../../lib/dsl/mod.ts";
import { RunInputs } from "../../lib/worker/run_inputs.ts";
import { workerFixture } from "./worker_fixture.ts";

Deno.test("runWorker() takes a run from its start to its output", async () => {
  await using it = await workerFixture();
  const flow = new Flow<{ name: string }>({ slug: "greet" })
    .step("upper", ({ run }) => run.name.toUpperCase())
    .step("length", async ({ run }) => await Promise.resolve(run.name.length))
    .step("join", ["upper", "length"], ({ upper, length }) => `${upper} ${length}`);
  await it.compile(flow);
  const runId = await it.startRun("greet", { name: "Ada" });

  await it.start(flow).done;

  assertEquals(await it.picture(runId), {
    status: "completed",
    output: { join: "ADA 3" },
    steps: { upper: "completed", length: "completed", join: "completed" },
    tasks: { "upper[0]": [1, null], "length[0]": [1, null], "join[0]": [1, null] },
  });
});

Deno.test("runWorker() keeps null, 0, false, empty text and text of digits as they are", async () => {
  await using it = await workerFixture();
  const flow = new Flow<Json>({ slug: "echo" })
    .step("one", ({ run }) => run)
    .step("two", ["one"], ({ one }) => one);
  await it.compile(flow);
  const values = [null, 0, false, "", "42", [null], { a: null }];
  const runs = [];
  for (const value of values) runs.push(await it.startRun("echo", value));

  await it.start(flow).done;

  const outputs = [];
  for (const runId of runs) outputs.push((await it.picture(runId)).output);
  assertEquals(outputs, values.map((two) => ({ two })));
});

Deno.test("a worker does without prepared statements", async () => {
  await using it = await workerFixture();
  const flow = new Flow<number>({ slug: "pooled" }).step("act", ({ run }) => run);
  await it.compile(flow);
  const [first, second] = [await it.startRun("pooled", 1), await it.startRun("pooled", 2)];

  await it.start(flow, { databaseUrl: `${it.url}?pgbouncer=true`, idleSeconds: 1 }).done;

  assertEquals([(await it.picture(first)).output, (await it.picture(second)).output], [
    { act: 1 },
    { act: 2 },
  ]);
});

Deno.test("a handler gets to know which task it works on", async () => {
  await using it = await workerFixture();
  const seen: unknown[] = [];
  const flow = new Flow<{ id: number }>({ slug: "context", timeout: 7 })
    .step("look", async (payload, ctx) => {
      const { runId, flow, step, taskIndex, attempt, taskKey, deadline, signal, env } = ctx;
      const [row] = await ctx.sql<{ sum: number; json: unknown; list: number[] }>`
        select ${1}::int + ${2}::int as sum, ${ctx.sql.json(null)} as json, ${[
        1,
        2,
      ]}::int[] as list`;
      const left = deadline.getTime() - Date.now();
      ctx.log.info("looking");
      seen.push({
        payload,
        ids: { runId, flow, step, taskIndex, attempt, taskKey },
        isTimely: left > 0 && left <= 7000,
        isAborted: signal.aborted,
        path: env.PATH === Deno.env.get("PATH"),
        input: await ctx.run(),
        row,
      });
      return null;
    });
  await it.compile(flow);
  const runId = await it.startRun("context", { id: 1 });

  await it.start(flow).done;

  assertEquals(seen, [{
    payload: { run: { id: 1 } },
    ids: {
      runId,
      flow: "context",
      step: "look",
      taskIndex: 0,
      attempt: 1,
      taskKey: `${runId}:look:0`,
    },
    isTimely: true,
    isAborted: false,
    path: true,
    input: { id: 1 },
    row: { sum: 3, json: null, list: [1, 2] },
  }]);
  assert(it.lines.includes("info looking"));
});

const circular: Record<string, unknown> = {};
circular.self = circular;

const failures: Record<string, [handler: () => unknown, message: string]> = {
  "throws an Error": [() => {
    throw new Error("no luck");
  }, "no luck"],
  "throws an error with a name": [() => {
    throw new TypeError("no text");
  }, "TypeError: no text"],
  "rejects": [() => Promise.reject(new Error("no luck")), "no luck"],
  "throws text": [() => {
    throw "boom";
  }, 'Handler threw "boom"'],
  "throws undefined": [() => {
    throw undefined;
  }, "Handler threw undefined"],
  "throws a bigint": [() => {
    throw 1n;
  }, "Handler threw 1"],
  "throws a circular object": [() => {
    throw circular;
  }, "Handler threw [object Object]"],
  "throws U+0000": [() => {
    throw new Error("a\0b\ud800");
  }, "a\uFFFDb\uFFFD"],
  "returns undefined": [
    () => undefined,
    '[type] Cannot store output of step "act": $ is undefined. Return null, or leave the property out.',
  ],
  "returns a bigint": [
    () => ({ count: 1n }),
    '[type] Cannot store output of step "act": $.count is a bigint. Convert it with String() or Number().',
  ],
  "returns a circular object": [
    () => circular,
    '[type] Cannot store output of step "act": $.self contains itself. Refer to the outer object by an id.',
  ],
  "returns a Date": [
    () => new Date(0),
    '[type] Cannot store output of step "act": $ is a Date. Return its toISOString().',
  ],
  "returns U+0000": [
    () => "\0",
    '[type] Cannot store output of step "act": $ contains the character U+0000. ' +
    'Postgres cannot store it: remove it with replaceAll("\\0", "").',
  ],
  "returns 50 MB": [
    () => "x".repeat(50_000_000),
    '[type] Cannot store output of step "act": it has 50000002 bytes of JSON, more than 20000000. ' +
    "Store it elsewhere, for instance in Supabase Storage, and return where it is.",
  ],
  "throws at once, whatever attempts remain": [() => {
    throw new PermanentError("no such user");
  }, "PermanentError: no such user"],
};

Deno.test("a task fails with a clear error when its handler …", async (test) => {
  await using it = await workerFixture();
  const flow = new Flow<string>({ slug: "fail", maxAttempts: 1 })
    .step("act", ({ run }) => failures[run]![0]() as null);
  await it.compile(flow);
  const runs: Record<string, string> = {};
  for (const name of Object.keys(failures)) runs[name] = await it.startRun("fail", name);

  await it.start(flow).done;

  for (const [name, [, message]] of Object.entries(failures)) {
    await test.step(`… ${name}`, async () => {
      assertEquals(await it.picture(runs[name]!), {
        status: "failed",
        output: null,
        steps: { act: "failed" },
        tasks: { "act[0]": [1, message] },
      });
    });
  }
});

Deno.test("a failed task is tried again while attempts remain, unless the failure is permanent", async () => {
  await using it = await workerFixture();
  const flow = new Flow<string>({ slug: "retry", maxAttempts: 3, baseDelay: 0 })
    .step("act", ({ run }, ctx) => {
      if (run === "hopeless") throw new PermanentError("no use");
      if (run === "never" || ctx.attempt < 3) throw new Error(`attempt ${ctx.attempt}`);
      return ctx.attempt;
    });
  await it.compile(flow);
  const [lucky, never, hopeless] = [
    await it.startRun("retry", "lucky"),
    await it.startRun("retry", "never"),
    await it.startRun("retry", "hopeless"),
  ];

  await it.start(flow).done;

  assertEquals(
    [await it.picture(lucky), await it.picture(never), await it.picture(hopeless)].map(
      ({ status, output, tasks }) => ({ status, output, tasks }),
    ),
    [
      { status: "completed", output: { act: 3 }, tasks: { "act[0]": [3, null] } },
      { status: "failed", output: null, tasks: { "act[0]": [3, "attempt 3"] } },
      {
        status: "failed",
        output: null,
        tasks: { "act[0]": [1, "PermanentError: no use"] },
      },
    ],
  );
});

Deno.test("a handler that never returns fails as a timeout and does not hold up others", async () => {
  await using it = await workerFixture();
  const reasons: unknown[] = [];
  let finishLate = (_: string) => {};
  const flow = new Flow<string>({ slug: "slow", maxAttempts: 1, timeout: 60 })
    .step("act", ({ run }, ctx) => {
      if (run === "fast") return "done";
      ctx.signal.addEventListener("abort", () => reasons.push(String(ctx.signal.reason)));
      return new Promise<string>((resolve) => finishLate = resolve);
    }, { timeout: 1 });
  await it.compile(flow);
  const slow = await it.startRun("slow", "slow");
  const fast = await it.startRun("slow", "fast");
  const worker = it.start(flow, { maxConcurrent: 1 });

  await worker.done;
  finishLate("late");
  await new Promise((resolve) => setTimeout(resolve));

  const message = 'Step "act" took longer than its timeout of 1 s';
  assertEquals({
    reasons,
    slow: await it.picture(slow),
    fast: (await it.picture(fast)).output,
    lastLine: it.lines.at(-1),
  }, {
    reasons: [`TaskTimeoutError: ${message}`],
    slow: {
      status: "failed",
      output: null,
      steps: { act: "failed" },
      tasks: { "act[0]": [1, `[timeout] ${message}`] },
    },
    fast: { act: "done" },
    lastLine: "warn handler ended too late, its output is dropped",
  });
});

for (const maxPgConnections of [1, 2]) {
  Deno.test(`the slowest task holds up only itself, with connections: ${maxPgConnections}`, async () => {
    await using it = await workerFixture();
    let finish = (_: string) => {};
    let left = 20;
    const flow = new Flow<string>({ slug: "mixed" })
      .step("act", ({ run }) => {
        if (run === "slow") return new Promise<string>((resolve) => finish = resolve);
        if (--left === 0) finish("at last");
        return run;
      });
    await it.compile(flow);
    const slow = await it.startRun("mixed", "slow");
    for (let i = 0; i < 20; i++) await it.startRun("mixed", "fast");

    await it.start(flow, { maxConcurrent: 2, maxPgConnections }).done;

    assertEquals((await it.picture(slow)).output, { act: "at last" });
  });
}

Deno.test("a map's handlers get an element each, and the run's input once", async () => {
  await using it = await workerFixture();
  const flow = new Flow<{ words: string[]; suffix: string }>({ slug: "suffixes" })
    .step("words", ({ run }) => run.words)
    .map("ended", "words", async (word, ctx) => {
      const { suffix } = await ctx.run();
      return `${ctx.taskIndex}${word}${suffix}`;
    })
    .step("joined", ["ended"], ({ ended }) => ended.join(" "));
  await it.compile(flow);
  const words = Array.from({ length: 25 }, (_, i) => String.fromCharCode(97 + i));
  const runId = await it.startRun("suffixes", { words, suffix: "!" });

  await it.start(flow).done;

  assertEquals((await it.picture(runId)).output, {
    joined: words.map((word, i) => `${i}${word}!`).join(" "),
  });
});

Deno.test("RunInputs fetches an input once, and again after a failure", async () => {
  const fetched: string[] = [];
  const inputs = new RunInputs((runId) => {
    fetched.push(runId);
    return fetched.length === 1 ? Promise.reject(new Error("gone")) : Promise.resolve(runId);
  });
  await assertRejects(() => inputs.get("a"), Error, "gone");
  const all = await Promise.all([inputs.get("a"), inputs.get("b"), inputs.get("a")]);
  assertEquals([all, fetched], [["a", "b", "a"], ["a", "a", "b"]]);
});

Deno.test("a task whose step is not in the worker's code fails", async () => {
  await using it = await workerFixture();
  const flow = new Flow<null>({ slug: "moved", maxAttempts: 1 }).step("old", () => 1);
  await it.compile(flow);
  const runId = await it.startRun("moved", null);
  const { slug, options, steps } = flow;
  const blind = { slug, options, steps, subflows: [], getStep: () => undefined } as unknown;

  await it.start(blind as typeof flow).done;

  assertEquals((await it.picture(runId)).tasks, {
    "old[0]": [1, '[type] Cannot run step "old" of flow "moved": this worker has no such step'],
  });
});

Deno.test("runWorker() refuses a flow whose stored shape differs", async () => {
  await using it = await workerFixture();
  await it.compile(new Flow<null>({ slug: "greet_v2" }).step("a", () => 1));
  const runId = await it.startRun("greet_v2", null);
  const other = new Flow<null>({ slug: "greet_v2" }).step("a", () => 1).step("b", () => 2);

  const worker = it.start(other);
  const error = await assertRejects(() => worker.done, PgflowError);

  assertEquals({ code: error.code, message: error.message, state: worker.state }, {
    code: "PF003",
    message: 'Cannot work on flow "greet_v2": its shape differs from the stored one: ' +
      'step "b" is not in the database',
    state: "stopped",
  });
  assertStringIncludes(error.hint!, '"greet_v3"');
  await assertRejects(() => worker.started, PgflowError);
  assertEquals((await it.picture(runId)).tasks, { "a[0]": [0, null] });
});

Deno.test("runWorker() says what to do when the migrations are missing", async () => {
  await using it = await workerFixture();
  await it.sql`drop schema pgflow cascade`;
  const flow = new Flow<null>({ slug: "greet" }).step("a", () => 1);

  const error = await assertRejects(() => it.start(flow).done, PgflowError);

  assertStringIncludes(error.message, 'Cannot start worker "greet": ');
  assertStringIncludes(error.hint!, "migrations are applied");
});

Deno.test("one worker works on several flows, with one wait for all", async () => {
  await using it = await workerFixture();
  const left = new Flow<number>({ slug: "left" }).step("act", ({ run }) => -run);
  const right = new Flow<number>({ slug: "right" }).step("act", ({ run }) => run);
  await it.compile([left, right]);
  const runs = [];
  for (let i = 1; i <= 15; i++) {
    runs.push(await it.startRun("left", i), await it.startRun("right", i));
  }

  await it.start([left, right], { maxConcurrent: 3 }).done;
  const wide = await it.startRun("right", 99);
  await it.start([left, right], { maxConcurrent: 1 }).done;

  const outputs = [];
  for (const runId of [...runs, wide]) {
    outputs.push(((await it.picture(runId)).output as { act: number }).act);
  }
  assertEquals(outputs.reduce((sum, output) => sum + output, 0), 99);
  assertEquals(outputs.length, 31);
});

Deno.test("two workers share a queue and settle each task once", async () => {
  await using it = await workerFixture();
  const handled = { one: 0, two: 0 };
  const flow = (name: keyof typeof handled) =>
    new Flow<number>({ slug: "shared" })
      .step("first", async () => {
        handled[name]++;
        // Both get a turn.
        await new Promise((resolve) => setTimeout(resolve, 5));
        return 1;
      })
      .step("second", ["first"], () => 2);
  await it.compile(flow("one"));
  const runs = [];
  for (let i = 0; i < 40; i++) runs.push(await it.startRun("shared", i));

  await Promise.all([
    it.start(flow("one"), { maxConcurrent: 4 }).done,
    it.start(flow("two"), { maxConcurrent: 4 }).done,
  ]);

  const [counts] = await it.sql`
    select
      count(*)::int as tasks,
      count(*) filter (where status = 'completed')::int as completed,
      sum(attempts_count)::int as attempts,
      count(distinct last_worker_id)::int as workers
    from pgflow.step_tasks`;
  assertEquals(counts, { tasks: 80, completed: 80, attempts: 80, workers: 2 });
  assertEquals(handled.one + handled.two, 40);
  assertEquals(
    await it.sql`select * from pgflow.broken_invariants`.then((rows) => rows.length),
    0,
  );
});

Deno.test("runWorker() also works on the subflows and the hooks of its flows", async () => {
  await using it = await workerFixture();
  const told: string[] = [];
  const child = new Flow<number>({ slug: "child" }).step("double", ({ run }) => run * 2);
  const parent = new Flow<number>({ slug: "parent", maxAttempts: 1 })
    .subflow("doubled", child, ({ run }) => run)
    .step("refuse", ["doubled"], () => {
      throw new Error("no");
    })
    .onFailure(({ run }) => {
      told.push(run.error_message);
    });
  await it.compile(parent);
  const runId = await it.startRun("parent", 21);

  await it.start(parent).done;

  assertEquals((await it.picture(runId)).steps, { doubled: "completed", refuse: "failed" });
  assertEquals(
    [...await it.sql`select flow_slug, status, output from pgflow.runs order by flow_slug`],
    [
      { flow_slug: "child", status: "completed", output: { double: 42 } },
      { flow_slug: "parent", status: "failed", output: null },
      {
        flow_slug: "parent_on_failure",
        status: "completed",
        output: { on_failure: null },
      },
    ],
  );
  assertEquals(told, ['Step "refuse" failed: no']);
});
