import { assertEquals, assertRejects } from "@std/assert";
import { createClient, PgflowError, type RunEvent, RunFailedError } from "pgflow/client";
import { failure, FakeSupabase, success } from "./fake_supabase.ts";

const steps = () => [{ slug: "a" }, { slug: "b", dependencies: ["a"] }];

/** Says what happened in few words. */
function brief(event: RunEvent): string {
  return "step" in event ? `${event.step} ${event.type.split(":")[1]}` : event.type;
}

Deno.test("events() tells the beginning, what happens and the end, and reads twice at most", async () => {
  const supabase = new FakeSupabase(steps());
  await using pgflow = createClient(supabase);
  const run = await pgflow.startFlow("fake", { n: 1 });
  const seen: string[] = [];

  for await (const event of run.events()) {
    seen.push(brief(event));
    if (seen.at(-1) === "a started") supabase.run.advance("a");
    if (seen.at(-1) === "b started") supabase.run.advance("b");
  }

  assertEquals(seen, [
    "run:started",
    "a started",
    "a completed",
    "b started",
    "b completed",
    "run:completed",
  ]);
  assertEquals([run.status, run.output], ["completed", { all: "done" } as never]);
  assertEquals(supabase.calls.map(([name]) => name), ["start_flow", "get_run", "get_run"]);
});

Deno.test("startFlow() gives a start a name of its own, so that it can be tried again", async () => {
  const supabase = new FakeSupabase(steps());
  supabase.answers.push(failure(0, "TypeError: fetch failed"), failure(503, "no server"));
  await using pgflow = createClient(supabase);
  const startAt = new Date(Date.UTC(2030, 0));

  await pgflow.startFlow("fake", { n: 1 }, { startAt });
  await pgflow.startFlow("fake", 2, { idempotencyKey: "k", owner: "o" });
  await pgflow.startFlow("fake", 3, { runId: "r", idempotencyKey: "k" });

  const [first, again, third, ...others] = supabase.calls.map(([, args]) => args);
  assertEquals([again, third], [first, first]);
  assertEquals(first, {
    flow_slug: "fake",
    input: { n: 1 },
    run_id: first!["run_id"],
    start_at: "2030-01-01T00:00:00.000Z",
  });
  assertEquals(/^[0-9a-f-]{36}$/.test(String(first!["run_id"])), true);
  assertEquals(others, [
    { flow_slug: "fake", input: 2, idempotency_key: "k", owner: "o" },
    { flow_slug: "fake", input: 3, run_id: "r", idempotency_key: "k" },
  ]);
});

Deno.test("startFlow() passes on what the database says, and does not try that again", async () => {
  const supabase = new FakeSupabase(steps());
  supabase.answers.push({
    data: null,
    status: 400,
    error: { message: 'Cannot start flow "x": no', code: "PF011", hint: "Ask somebody" },
  });

  const error = await assertRejects(
    () => createClient(supabase).startFlow("x", null),
    PgflowError,
    'Cannot start flow "x": no',
  );

  assertEquals([error.code, error.hint, supabase.calls.length], ["PF011", "Ask somebody", 1]);
});

Deno.test("startFlow() of a run that was started before knows how it ended", async () => {
  const supabase = new FakeSupabase(steps());
  for (const slug of ["a", "b"]) supabase.run.advance(slug);

  await using run = await createClient(supabase).startFlow("fake", null, { idempotencyKey: "k" });

  assertEquals([run.status, await run.completed(), run.steps.map(({ status }) => status)], [
    "completed",
    { all: "done" } as never,
    ["completed", "completed"],
  ]);
  assertEquals(supabase.reads, 1);
});

Deno.test("completed() resolves with the output, stepCompleted() with that of a step", async () => {
  const supabase = new FakeSupabase(steps());
  await using run = await createClient(supabase).startFlow("fake", null);

  const [all, a] = [run.completed(), run.stepCompleted("a")];
  supabase.run.advance("a", { n: 1 });
  assertEquals(await a, { n: 1 });
  assertEquals(run.step("a").state?.output, { n: 1 });
  supabase.run.advance("b");

  assertEquals(await all, { all: "done" } as never);
  assertEquals([await run.completed(), await run.step("b").completed()], [
    { all: "done" } as never,
    "b done",
  ]);
});

Deno.test("completed() rejects as soon as the run has failed, with the step and its reason", async () => {
  const supabase = new FakeSupabase([{ slug: "a", end: "failed" }, { slug: "b" }]);
  await using run = await createClient(supabase).startFlow("fake", null);
  const waiting = [run.completed(), run.stepCompleted("b")];
  supabase.run.advance("a");

  for (const promise of waiting) {
    const error = await assertRejects(() => promise, RunFailedError);
    assertEquals({ ...error, message: error.message }, {
      name: "RunFailedError",
      code: "PF107",
      hint: undefined,
      message: `Cannot complete run "${run.id}" of flow "fake": step "a" failed: no such customer`,
      runId: run.id,
      flow: "fake",
      status: "failed",
      step: "a",
      reason: "no such customer",
    });
    assertEquals((error.cause as Error).message, "no such customer");
  }
});

Deno.test("cancel() ends the run, and whoever waits for it is told so", async () => {
  const supabase = new FakeSupabase(steps());
  await using run = await createClient(supabase).startFlow("fake", null);
  const waiting = run.completed();

  await run.cancel();

  const error = await assertRejects(() => waiting, RunFailedError, "it was cancelled");
  assertEquals([error.status, error.step, run.status], ["cancelled", undefined, "cancelled"]);
  assertEquals(run.steps.map(({ status }) => status), ["cancelled", "cancelled"]);
});

Deno.test("retry() lets a failed run go on, and events() tells both", async () => {
  const supabase = new FakeSupabase([{ slug: "a", end: "failed" }]);
  await using run = await createClient(supabase).startFlow("fake", null);
  supabase.run.advance("a");
  await assertRejects(() => run.completed(), RunFailedError);

  await run.retry();
  assertEquals(run.status, "started");
  const seen: string[] = [];
  for await (const event of run.events()) {
    seen.push(brief(event));
    if (seen.length === 6) supabase.run.advance("a");
  }

  assertEquals(seen, [
    "run:started",
    "a started",
    "a failed",
    "run:failed",
    "run:started",
    "a started",
    "a completed",
    "run:completed",
  ]);
});

Deno.test("stepCompleted() rejects for a step that is skipped, or that there is not", async () => {
  const supabase = new FakeSupabase([{ slug: "a", end: "skipped" }, { slug: "b" }]);
  await using run = await createClient(supabase).startFlow("fake", null);
  supabase.run.advance("a");

  const skipped = await assertRejects(() => run.stepCompleted("a"), PgflowError, "it was skipped");
  const unknown = await assertRejects(() => run.stepCompleted("c"), PgflowError, "no such step");

  assertEquals([skipped.code, unknown.code], ["PF108", "PF002"]);
});

Deno.test("step().complete() and fail() answer an approval", async () => {
  const supabase = new FakeSupabase([{ slug: "review", performedBy: "approval" }]);
  await using run = await createClient(supabase).startFlow("fake", null);

  await run.step("review").complete({ approved: true });
  assertEquals(await run.stepCompleted("review"), { approved: true });
  supabase.answers.push(failure(400, "it does not wait for an answer", "PF009"));
  await assertRejects(() => run.step("review").fail("no", { taskIndex: 2 }), PgflowError);

  const answers = supabase.calls.filter(([name]) => name.endsWith("_step"));
  assertEquals(answers, [
    ["complete_step", { run_id: run.id, step_slug: "review", output: { approved: true } }],
    ["fail_step", { run_id: run.id, step_slug: "review", error_message: "no", task_index: 2 }],
  ]);
});

Deno.test("a step of many tasks tells how far it is", async () => {
  const supabase = new FakeSupabase([{ slug: "a", tasks: 3 }]);
  await using run = await createClient(supabase).startFlow("fake", null);
  const seen: unknown[] = [];
  for await (const event of run.events()) {
    if (event.type === "step:started" || event.type === "step:progress") {
      seen.push("done" in event ? [event.done, event.total] : event.type);
      supabase.run.advance("a");
    }
  }
  assertEquals(seen, ["step:started", [1, 3], [2, 3]]);
  assertEquals([run.steps[0]!.done, run.steps[0]!.total], [3, 3]);
});

Deno.test("getRun() finds a run, and rejects with PF005 if there is none", async () => {
  const supabase = new FakeSupabase(steps());
  await using pgflow = createClient(supabase);
  supabase.run.advance("a");

  const run = await pgflow.getRun(supabase.run.id);
  assertEquals([run.flow, run.status, run.input], ["fake", "started", {}]);
  assertEquals(run.steps.map(({ slug, status }) => [slug, status]), [
    ["a", "completed"],
    ["b", "started"],
  ]);

  supabase.answers.push(success(null));
  const error = await assertRejects(() => pgflow.getRun("x"), PgflowError);
  assertEquals([error.code, error.message], ["PF005", 'Cannot read run "x": it does not exist']);
});

Deno.test("listRuns() and listApprovals() call their functions, page by page", async () => {
  const supabase = new FakeSupabase([]);
  await using pgflow = createClient(supabase);
  const row = { ...supabase.run.snapshot().run, status: "failed", error_message: "no" };
  const approval = {
    run_id: "r",
    flow_slug: "f",
    step_slug: "s",
    task_index: 1,
    assignee: null,
    waiting_since: "2026-01-01T00:00:00+00:00",
    until: null,
    input: { a: 1 },
  };
  supabase.answers.push(success([row]), success([]), success([approval]), success([]));

  const [first] = await pgflow.listRuns({ flow: "fake", status: "failed", limit: 1 });
  await pgflow.listRuns({ before: first! });
  const [asked] = await pgflow.listApprovals();
  await pgflow.listApprovals({ after: asked!, limit: 2 });

  assertEquals([first, asked], [
    {
      id: row.run_id,
      flow: "fake",
      status: "failed",
      startedAt: row.started_at,
      error: "no",
    },
    {
      runId: "r",
      flow: "f",
      step: "s",
      taskIndex: 1,
      input: { a: 1 },
      waitingSince: approval.waiting_since,
    },
  ]);
  assertEquals(supabase.calls, [
    ["list_runs", { flow_slug: "fake", status: "failed", page_size: 1 }],
    ["list_runs", { before: { run_id: row.run_id, started_at: row.started_at } }],
    ["list_approvals", {}],
    ["list_approvals", {
      page_size: 2,
      after: {
        waiting_since: approval.waiting_since,
        run_id: "r",
        step_slug: "s",
        task_index: 1,
      },
    }],
  ]);
});
