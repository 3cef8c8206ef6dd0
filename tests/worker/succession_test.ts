import { assertEquals } from "@std/assert";
import { Flow } from "../../lib/dsl/mod.ts";
import { flowWorker, type WorkerOptions } from "../../lib/worker/mod.ts";
import { resolveOptions } from "../../lib/worker/options.ts";
import { platform } from "../../lib/worker/platform.ts";
import { RunningWorker } from "../../lib/worker/running_worker.ts";
import { Succession } from "../../lib/worker/succession.ts";
import { edge, post, read, SECRET } from "./edge_fixture.ts";
import { type WorkerFixture, workerFixture } from "./worker_fixture.ts";

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

/** An edge function with a fresh isolate for each request, as far as workers can tell. */
function edgeFunction(it: WorkerFixture, flow: ReturnType<typeof heldFlow>["flow"]) {
  const workers: RunningWorker[] = [];
  const keys: (string | null)[] = [];
  const env: Record<string, string> = { SUPABASE_SECRET_KEYS: `{"default":"${SECRET}"}` };
  const start = (options: WorkerOptions = {}) => {
    const worker = new RunningWorker(
      [flow],
      resolveOptions(
        { databaseUrl: it.url, functionName: "serve", logger: quiet, ...options },
        "held",
        env,
      ),
      { isEdgeFunction: true, lastRequestAge: () => 0 },
    );
    workers.push(worker);
    return worker;
  };
  const server = Deno.serve({ port: 0, onListen: () => {} }, async (request) => {
    keys.push(`${new URL(request.url).pathname} ${request.headers.get("apikey")}`);
    const worker = start();
    await worker.started;
    return Response.json({ status: "started", worker_id: worker.servedBy });
  });
  env.SUPABASE_URL = `http://127.0.0.1:${(server.addr as Deno.NetAddr).port}`;
  return {
    start,
    workers,
    keys,
    env,
    async [Symbol.asyncDispose]() {
      await Promise.all(workers.map((worker) => worker.stop()));
      await server.shutdown();
    },
  };
}

/** A flow whose handlers say that they run, and end when they are told to. */
function heldFlow() {
  const finishing: ((output: string) => void)[] = [];
  const waiting: (() => void)[] = [];
  const reasons: string[] = [];
  const flow = new Flow<string>({ slug: "held", timeout: 60 }).step("act", (_, ctx) => {
    ctx.signal.addEventListener("abort", () => reasons.push(ctx.signal.reason.message));
    waiting.forEach((resolve) => resolve());
    return new Promise<string>((resolve) => finishing.push(resolve));
  });
  return {
    flow,
    reasons,
    finish: () => finishing.forEach((resolve) => resolve("done")),
    running: () => new Promise<void>((resolve) => waiting.push(resolve)),
  };
}

function states(it: WorkerFixture) {
  return it.sql`
    select
      draining_at is not null as draining, deprecated_at is not null as deprecated,
      stopped_at is not null as stopped
    from pgflow.workers where function_name = 'serve' order by started_at`.then((rows) =>
    Array.from(rows, ({ draining, deprecated, stopped }) => ({ draining, deprecated, stopped }))
  );
}

/** An isolate of which so many seconds are left. */
const wallClock = (left: number) => ({ wallClockSeconds: platform.age() + left });

Deno.test("a worker whose wall clock runs out finishes its tasks beside its successor", async () => {
  await using it = await workerFixture();
  const held = heldFlow();
  await it.compile(held.flow);
  await using host = edgeFunction(it, held.flow);
  const runId = await it.startRun("held", "x");
  const running = held.running();
  const worker = host.start(wallClock(30));
  await running;

  worker.unload("wall_clock");
  worker.unload("wall_clock");
  while (worker.state !== "deprecated") await new Promise((resolve) => setTimeout(resolve, 5));
  const [, successor] = host.workers;
  const beside = await states(it);
  held.finish();
  await worker.done;

  assertEquals(host.keys, [`/functions/v1/serve ${SECRET}`]);
  assertEquals(successor!.state, "running");
  assertEquals(beside, [
    { draining: true, deprecated: true, stopped: false },
    { draining: false, deprecated: false, stopped: false },
  ]);
  assertEquals(await it.picture(runId), {
    status: "completed",
    output: { act: "done" },
    steps: { act: "completed" },
    tasks: { "act[0]": [1, null] },
  });
  assertEquals(held.reasons, []);
});

Deno.test("what cannot be finished in time goes to the successor, and costs no attempt", async () => {
  await using it = await workerFixture();
  const held = heldFlow();
  await it.compile(held.flow);
  await using host = edgeFunction(it, held.flow);
  const runId = await it.startRun("held", "x");
  const running = held.running();
  const worker = host.start(wallClock(2));
  await running;

  const again = held.running();
  worker.unload("wall_clock");
  await again;
  held.finish();
  await worker.done;
  while ((await it.picture(runId)).status === "started");

  const [task] = await it.sql`
    select attempts_count, attempts_forgiven, last_worker_id from pgflow.step_tasks`;
  assertEquals(task, {
    attempts_count: 2,
    attempts_forgiven: 1,
    last_worker_id: host.workers[1]!.id,
  });
  assertEquals(held.reasons, ["Cannot finish task: the worker stops (wall_clock)"]);
});

for (const reason of ["cpu", "memory"]) {
  Deno.test(`a worker whose ${reason} runs out gives everything back and calls its successor`, async () => {
    await using it = await workerFixture();
    const held = heldFlow();
    await it.compile(held.flow);
    await using host = edgeFunction(it, held.flow);
    await it.startRun("held", "x");
    const running = held.running();
    const worker = host.start();
    await running;

    const again = held.running();
    worker.unload("wall_clock");
    worker.unload(reason);
    await worker.done;
    await again;

    assertEquals(held.reasons, [`Cannot finish task: the worker stops (${reason})`]);
    assertEquals(host.workers.map(({ state }) => state), ["stopped", "running"]);
  });
}

Deno.test("a task that meets an isolate's limit again and again counts its attempts at last", async () => {
  await using it = await workerFixture();
  const held = heldFlow();
  await it.compile(held.flow);
  await it.startRun("held", "x");
  await using host = edgeFunction(it, held.flow);
  delete host.env.SUPABASE_URL;

  for (let times = 1; times <= 5; times++) {
    const running = held.running();
    const worker = host.start();
    await running;
    worker.unload("cpu");
    await worker.done;
  }

  const [task] = await it.sql`
    select attempts_count, attempts_forgiven, error_message from pgflow.step_tasks`;
  assertEquals(task, {
    attempts_count: 5,
    attempts_forgiven: 4,
    error_message: "[lost worker] the isolate reached a limit (cpu), as it did before",
  });
});

Deno.test("a worker that the platform ends calls nobody", async () => {
  await using it = await workerFixture();
  const held = heldFlow();
  await it.compile(held.flow);
  await using host = edgeFunction(it, held.flow);

  for (const reason of ["early_drop", "termination", "unload"]) {
    const worker = host.start();
    await worker.started;
    worker.unload(reason);
    await worker.done;
  }

  assertEquals(host.keys, []);
});

Deno.test("a task that no time is left for makes the worker call its successor early", async () => {
  await using it = await workerFixture();
  const held = heldFlow();
  await it.compile(held.flow);
  await using host = edgeFunction(it, held.flow);
  // Two thirds of its life are over, and less is left than the step's 60 s.
  const worker = host.start({ wallClockSeconds: platform.age() * 1.5 });
  await worker.started;

  const running = held.running();
  const runId = await it.startRun("held", "x");
  await running;
  held.finish();
  await worker.done;

  assertEquals(host.workers.map(({ state }) => state), ["stopped", "running"]);
  while ((await it.picture(runId)).status === "started");
});

Deno.test("no successor is called without the project's address, and one that fails is given up", async () => {
  const lines: string[] = [];
  const note = (message: string) => void lines.push(message);
  const drained: boolean[] = [];
  let isRetired = true;
  const parts = {
    db: { drainWorker: (_: string, is: boolean) => Promise.resolve(void drained.push(is)) },
    isRetired: () => isRetired,
    signal: new AbortController().signal,
    workerId: "me",
    functionName: "f",
    log: { debug: note, info: note, warn: note, error: note },
  };
  const answers = [
    new Response("no", { status: 503 }),
    Response.json({ worker_id: "me" }),
    Response.json({}, { status: 202 }),
    Response.json({ worker_id: "other" }),
  ];
  await using server = Deno.serve({ port: 0, onListen: () => {} }, () => answers.shift()!);
  const url = `http://127.0.0.1:${(server.addr as Deno.NetAddr).port}/`;
  const env = (url: string | undefined) => ({ SUPABASE_URL: url, SUPABASE_SERVICE_ROLE_KEY: "k" });

  const without = await new Succession({ ...parts, env: env(undefined) }).begin();
  const late = new Succession({ ...parts, env: env(url) });
  const found = await Promise.all([late.begin(), late.begin()]);
  drained.length = 0;
  const nobody = await new Succession({ ...parts, env: env("http://127.0.0.1:1") }).begin();
  answers.push(Response.json({ worker_id: "me" }), Response.json({ worker_id: "other" }));
  const early = new Succession({ ...parts, env: env(url) });
  isRetired = false;
  const back = [await early.begin(), answers.length, await early.begin()];

  assertEquals([without, found, nobody], [false, [true, true], false]);
  assertEquals(lines.slice(1, 4), [
    "successor has not started: 503 no",
    "successor has not started: the request came back to this worker",
    "successor has not started: 202 {}",
  ]);
  assertEquals(
    lines.filter((line) => !line.startsWith("successor")).slice(1),
    ["no successor could be started; the watchdog will"],
  );
  assertEquals(drained, [true, false, true, false, true]);
  assertEquals(back, [false, 1, true]);
});

Deno.test("a worker on the edge warns of steps that take longer than any isolate lives", async () => {
  await using it = await workerFixture();
  const flow = new Flow<string>({ slug: "long", timeout: 401 })
    .step("act", () => 1)
    .step("quick", () => 1, { timeout: 400 })
    .approval("ask", { timeout: 1000 });

  await it.start(flow, { wallClockSeconds: 400 }).done;
  await it.start(flow).done;

  assertEquals(it.lines.filter((line) => line.startsWith("warn")), [
    'warn Step "act" of flow "long" has a timeout of 401 s, ' +
    "but no edge function lives longer than 400 s",
  ]);
});

Deno.test("an edge function has one worker, whichever of its isolates is asked", async () => {
  await using it = await workerFixture();
  using host = edge(it);
  const { flow } = heldFlow();
  const one = flowWorker(flow, { logger: quiet, idleSeconds: 60 });
  const two = flowWorker(flow, { logger: quiet, idleSeconds: 60 });

  const answers = await Promise.all([
    one(post({ apikey: SECRET })).then(read),
    two(post({ apikey: SECRET })).then(read),
  ]);
  const again = await read(await two(post({ apikey: SECRET })));
  dispatchEvent(new CustomEvent("beforeunload", { detail: { reason: "termination" } }));
  await Promise.all(host.background);

  assertEquals(answers.map(([, body]) => body.status).sort(), ["running", "started"]);
  assertEquals(answers[0]![1].worker_id, answers[1]![1].worker_id);
  assertEquals(again[1].worker_id, answers[0]![1].worker_id);
  const [row] = await it.sql`
    select count(*)::int as workers from pgflow.workers where function_name = 'greeter'`;
  assertEquals(row!.workers, 1);
});

Deno.test("a newer deployment takes over; the older one finishes what it holds", async () => {
  await using it = await workerFixture();
  const held = heldFlow();
  await it.compile(held.flow);
  await using host = edgeFunction(it, held.flow);
  const first = await it.startRun("held", "x");
  const running = held.running();
  const older = host.start({ deployment: "ref_fn_9", heartbeatSeconds: 0.05 });
  await running;

  const newer = host.start({ deployment: "ref_fn_10" });
  await newer.started;
  while (older.state !== "deprecated") await new Promise((resolve) => setTimeout(resolve, 5));
  const second = await it.startRun("held", "y");
  await held.running();
  held.finish();
  await older.done;
  while ((await it.picture(second)).status === "started");
  const late = host.start({ deployment: "ref_fn_9" });
  await late.done;

  assertEquals((await it.picture(first)).status, "completed");
  assertEquals(late.servedBy, newer.id);
  const workers = await it.sql`select last_worker_id from pgflow.step_tasks order by queued_at`;
  assertEquals(workers.map((row) => row.last_worker_id), [older.id, newer.id]);
});

Deno.test("a worker that stops has the function called, if work is left", async () => {
  await using it = await workerFixture();
  const held = heldFlow();
  await it.compile(held.flow);
  await using host = edgeFunction(it, held.flow);
  await it.sql`select pgflow.install_watchdog('http://project.test', ${SECRET})`;
  const urls = () =>
    it.sql`delete from net.http_request_queue returning url`.then((rows) =>
      rows.map(({ url }) => url)
    );
  const running = held.running();
  const worker = host.start();
  await worker.started;

  await it.startRun("held", "x");
  await running;
  const before = await urls();
  await worker.stop();

  assertEquals([before, await urls()], [[], ["http://project.test/functions/v1/serve"]]);
});
