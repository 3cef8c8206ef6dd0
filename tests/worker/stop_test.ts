import { assertEquals } from "@std/assert";
import { Flow } from "../../lib/dsl/mod.ts";
import { runWorker } from "../../lib/worker/mod.ts";
import { type WorkerFixture, workerFixture } from "./worker_fixture.ts";

/** A flow whose handler says when it runs and ends when it is told to, or asked to stop. */
function heldFlow() {
  let hasStarted = () => {};
  let finish = (_: string) => {};
  const held = {
    started: new Promise<void>((resolve) => hasStarted = resolve),
    finish: (output: string) => finish(output),
    reasons: [] as string[],
    flow: new Flow<string>({ slug: "held" }).step("act", (_, ctx) => {
      ctx.signal.addEventListener("abort", () => held.reasons.push(ctx.signal.reason.message));
      hasStarted();
      return new Promise<string>((resolve, reject) => {
        finish = resolve;
        ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason));
      });
    }),
  };
  return held;
}

function workers(it: WorkerFixture) {
  return it.sql`
    select deprecated_at is not null as deprecated, stopped_at is not null as stopped
    from pgflow.workers
    order by started_at`.then((rows) => Array.from(rows));
}

Deno.test("stop() gives unfinished tasks back at once, without an attempt", async () => {
  await using it = await workerFixture();
  const first = heldFlow();
  await it.compile(first.flow);
  const runId = await it.startRun("held", "x");
  const worker = it.start(first.flow, { idleSeconds: Infinity });
  await first.started;

  await worker.stop("wall_clock");
  await worker.stop("cpu");

  const [task] = await it.sql`
    select status, attempts_count, attempts_forgiven from pgflow.step_tasks`;
  assertEquals({ task, reasons: first.reasons, state: worker.state }, {
    task: { status: "queued", attempts_count: 1, attempts_forgiven: 1 },
    reasons: ["Cannot finish task: the worker stops (wall_clock)"],
    state: "stopped",
  });
  assertEquals(await workers(it), [
    { deprecated: false, stopped: true },
    { deprecated: false, stopped: true },
  ]);
  const second = new Flow<string>({ slug: "held" }).step("act", () => "done");
  await it.start(second).done;
  assertEquals((await it.picture(runId)).output, { act: "done" });
});

Deno.test("stop() ends a waiting worker at once, and one that is still starting", async () => {
  await using it = await workerFixture();
  const flow = new Flow<string>({ slug: "calm" }).step("act", () => 1);
  await it.compile(flow);
  const waiting = it.start(flow, { idleSeconds: Infinity });
  await waiting.started;
  const starting = it.start(flow, { idleSeconds: Infinity });

  const startedAt = performance.now();
  await Promise.all([waiting.stop(), starting.stop()]);

  assertEquals([waiting.state, starting.state, performance.now() - startedAt < 3000], [
    "stopped",
    "stopped",
    true,
  ]);
  await waiting.done;
  await starting.done;
});

Deno.test("a signal stops the worker like stop()", async () => {
  await using it = await workerFixture();
  const held = heldFlow();
  await it.compile(held.flow);
  const runId = await it.startRun("held", "x");
  const controller = new AbortController();
  const worker = it.start(held.flow, { signal: controller.signal, idleSeconds: Infinity });
  await held.started;

  controller.abort();
  await worker.done;
  const late = it.start(held.flow, { signal: controller.signal });
  await late.done;

  assertEquals((await it.picture(runId)).tasks, { "act[0]": [1, null] });
  assertEquals(held.reasons, ["Cannot finish task: the worker stops (aborted)"]);
});

Deno.test("a result that is there when the worker stops is recorded", async () => {
  await using it = await workerFixture();
  const held = heldFlow();
  await it.compile(held.flow);
  const runId = await it.startRun("held", "x");
  const worker = it.start(held.flow, { idleSeconds: Infinity });
  await held.started;

  held.finish("in time");
  await worker.stop();

  assertEquals((await it.picture(runId)).output, { act: "in time" });
});

Deno.test("a deprecated worker finishes what it holds and takes nothing new", async () => {
  await using it = await workerFixture();
  const held = heldFlow();
  await it.compile(held.flow);
  const [first, second] = [await it.startRun("held", "1"), await it.startRun("held", "2")];
  const worker = it.start(held.flow, {
    idleSeconds: Infinity,
    heartbeatSeconds: 0.02,
    maxConcurrent: 1,
  });
  await held.started;

  await it.sql`select pgflow.deprecate_workers('held', null)`;
  while (worker.state === "running") await new Promise((resolve) => setTimeout(resolve, 5));
  held.finish("done");
  await worker.done;

  assertEquals(
    [(await it.picture(first)).output, (await it.picture(second)).tasks],
    [{ act: "done" }, { "act[0]": [0, null] }],
  );
  assertEquals((await workers(it)).at(-1), { deprecated: true, stopped: true });
});

Deno.test("a handler is aborted, and its slot is free, when its run ends without it", async () => {
  await using it = await workerFixture();
  const held = heldFlow();
  await it.compile(held.flow);
  const [first, second] = [await it.startRun("held", "1"), await it.startRun("held", "2")];
  const worker = it.start(held.flow, {
    idleSeconds: Infinity,
    heartbeatSeconds: 0.02,
    pollSeconds: 1,
    maxConcurrent: 1,
  });
  await held.started;

  await it.sql`select pgflow.cancel_run(${first}::uuid)`;
  while ((await it.picture(second)).tasks["act[0]"]![0] === 0);
  // Claimed is not called yet: until then there is only the first handler to finish.
  while ((await it.picture(second)).status === "started") held.finish("done");
  await worker.stop();

  assertEquals(held.reasons, ["Cannot finish task: its run ended, or another worker has it"]);
  assertEquals(
    [await it.picture(first), await it.picture(second)].map((
      { status, output },
    ) => [status, output]),
    [["cancelled", null], ["completed", { act: "done" }]],
  );
});

Deno.test("a worker sends heartbeats while its handlers work and while it waits", async () => {
  await using it = await workerFixture();
  const held = heldFlow();
  await it.compile(held.flow);
  await it.startRun("held", "x");
  const worker = it.start(held.flow, {
    idleSeconds: Infinity,
    heartbeatSeconds: 0.05,
    pollSeconds: 1,
  });
  await held.started;
  const beat = async () => {
    const [row] = await it.sql`
      select last_heartbeat_at::text as at from pgflow.workers where worker_id = ${worker.id}`;
    return row!.at as string;
  };
  const next = async (last: string) => {
    let now = last;
    while (now === last) now = await beat();
    return now;
  };

  const busy = await next(await beat());
  held.finish("done");
  await next(await next(busy));

  await worker.stop();
});

Deno.test("runWorker() refuses options that make no sense", () => {
  const flow = new Flow<string>({ slug: "calm" }).step("act", () => 1);
  const refused = (options: object) => {
    try {
      runWorker(flow, { databaseUrl: "postgres://localhost/none", ...options });
      return "accepted";
    } catch (error) {
      return (error as Error).message;
    }
  };
  assertEquals([
    refused({ maxConcurrent: 0 }),
    refused({ pollSeconds: 0.5 }),
    refused({ idleSeconds: NaN }),
    refused({ databaseUrl: "localhost" }),
    refused({ databaseUrl: "" }),
  ], [
    'Cannot use option maxConcurrent "0": it is not a whole number from 1',
    'Cannot use option pollSeconds "0.5": it is not a whole number from 1',
    'Cannot use option idleSeconds "NaN": it is not a number from 0',
    "Cannot connect to the database: its URL is not a postgres URL",
    'Cannot start worker of flow "calm": it has no database URL',
  ]);
});

Deno.test("an idle worker ends after idleSeconds, with one connection and nothing left behind", async () => {
  await using it = await workerFixture({ direct: true });
  const flow = new Flow<string>({ slug: "calm" }).step("act", () => 1);

  const worker = it.start(flow, { idleSeconds: 0.1 });
  await worker.started;
  await worker.done;

  const [row] = await it.sql`
    select count(*)::int as connections
    from pg_stat_activity
    where datname = current_database() and application_name = 'pgflow:calm' and state <> 'active'`;
  assertEquals(row, { connections: 0 });
  assertEquals(it.lines, ["info worker started", "info worker stopped"]);
});
