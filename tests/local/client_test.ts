import type { SupabaseClient } from "@supabase/supabase-js";
import { assertEquals, assertRejects } from "@std/assert";
import { createClient, PgflowError, RunFailedError } from "pgflow/client";
import { Flow, InvalidInputError, PermanentError, type } from "pgflow/dsl";
import { z } from "zod";
import { serveClient } from "./served_client.ts";

const Parcel = new Flow({
  slug: "parcel",
  input: z.object({ id: z.number(), words: z.array(z.string()) }),
})
  .step("label", ({ run }) => `parcel ${run.id}`)
  .step("words", ({ run }) => run.words)
  .map("lengths", "words", (word) => word.length)
  .approval("review", ["label", "lengths"], { output: type<{ approved: boolean }>() })
  .step("sent", ["label", "review"], ({ label, review }) => review.approved ? label : null);

let declined = true;
const Charge = new Flow<{ card: string }>({ slug: "charge" })
  .step("card", ({ run }) => run.card)
  .step("charged", ["card"], () => {
    if (declined) throw new PermanentError("card was declined");
    return { amount: 3 };
  });

/** How many channels are open, after a moment in which they may be left. */
async function channelsLeft(supabase: SupabaseClient): Promise<number> {
  const channels = () => supabase.getChannels().length;
  for (let look = 0; look < 200 && channels() > 0; look++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return channels();
}

Deno.test("on a real stack, a run is started, watched, answered and completed", async () => {
  await using it = await serveClient([Parcel]);
  const run = await it.pgflow.startFlow<typeof Parcel>("parcel", {
    id: 7,
    words: ["one", "three"],
  });
  const seen: string[] = [];
  const outputs: Record<string, unknown> = {};

  for await (const event of run.events()) {
    if (event.type === "step:progress") continue;
    seen.push("step" in event ? `${event.step} ${event.type.slice(5)}` : event.type);
    if (event.type === "step:completed") outputs[event.step] = event.output;
    if (seen.at(-1) !== "review started") continue;
    await run.refresh();
    assertEquals(run.step("review").state?.waiting?.map(({ input, mine }) => [input, mine]), [
      [{ run: { id: 7, words: ["one", "three"] }, label: "parcel 7", lengths: [3, 5] }, true],
    ]);
    await run.step("review").complete({ approved: true });
  }

  assertEquals([seen[0], seen.at(-1), seen.length], ["run:started", "run:completed", 12]);
  assertEquals(seen.indexOf("lengths started") > seen.indexOf("words completed"), true);
  assertEquals(seen.indexOf("sent started") > seen.indexOf("review completed"), true);
  assertEquals(outputs, {
    label: "parcel 7",
    words: ["one", "three"],
    lengths: [3, 5],
    review: { approved: true },
    sent: "parcel 7",
  });
  assertEquals([run.status, run.output, await run.completed()], [
    "completed",
    { sent: "parcel 7" },
    { sent: "parcel 7" },
  ]);
  assertEquals(await channelsLeft(it.supabase), 0);
});

Deno.test("on a real stack, a run fails with its step and reason, and goes on when retried", async () => {
  await using it = await serveClient([Charge]);
  declined = true;
  const run = await it.pgflow.startFlow(Charge, { card: "1" });
  const error = await assertRejects(() => run.completed(), RunFailedError);
  assertEquals([error.status, error.step, error.reason], [
    "failed",
    "charged",
    "PermanentError: card was declined",
  ]);

  declined = false;
  await run.retry();
  assertEquals(await run.completed(), { charged: { amount: 3 } });

  const [listed] = await it.pgflow.listRuns({ flow: "charge" });
  assertEquals([listed!.id, listed!.status], [run.id, "completed"]);
  assertEquals(await it.pgflow.listRuns({ before: listed! }), []);
});

Deno.test("on a real stack, a run is cancelled and approvals are listed and refused", async () => {
  await using it = await serveClient([Parcel]);
  const run = await it.pgflow.startFlow(Parcel, { id: 1, words: [] }, { idempotencyKey: "k" });
  const same = await it.pgflow.startFlow(Parcel, { id: 1, words: [] }, { idempotencyKey: "k" });
  assertEquals(same.id, run.id);
  await run.stepCompleted("lengths");
  const waiting = run.completed();
  waiting.catch(() => {});
  // Whoever asks has seen the last dependency end, which is when the approval starts.
  await run.stepCompleted("label");
  const [asked] = await it.pgflow.listApprovals();
  assertEquals([asked!.runId, asked!.step, (asked!.input as { label: string }).label], [
    run.id,
    "review",
    "parcel 1",
  ]);

  await run.cancel();

  const error = await assertRejects(() => waiting, RunFailedError, "it was cancelled");
  assertEquals([error.status, run.status], ["cancelled", "cancelled"]);
  const late = await assertRejects(
    () => run.step("review").complete({ approved: true }),
    PgflowError,
  );
  assertEquals(late.code, "PF009");
});

Deno.test("on a real stack, what is refused is said with a code", async () => {
  await using it = await serveClient([Parcel]);
  const { pgflow } = it;
  const refusals = [
    () => pgflow.startFlow("nope", {}),
    () => pgflow.getRun(crypto.randomUUID()),
    () => pgflow.startFlow(Parcel, { id: "1", words: [] } as never),
  ];
  const codes = await Promise.all(refusals.map(async (refuse) => {
    const error = await assertRejects(refuse, PgflowError);
    return [error.code, error instanceof InvalidInputError];
  }));
  assertEquals(codes, [["PF001", false], ["PF005", false], ["PF105", true]]);

  const run = await pgflow.startFlow("parcel", { id: "1", words: [] });
  const error = await assertRejects(() => run.completed(), RunFailedError);
  assertEquals(
    error.reason.startsWith('[type] Cannot run flow "parcel": its input is wrong: $.id: '),
    true,
    error.reason,
  );
});

Deno.test("on a real stack, a user is told by Realtime, and catches up after a lost connection", async () => {
  const steps = [Promise.withResolvers<number>(), Promise.withResolvers<number>()];
  const Slow = new Flow({ slug: "slow", input: type<null>(), startableBy: ["authenticated"] })
    .step("first", () => steps[0]!.promise)
    .step("second", ["first"], () => steps[1]!.promise)
    .step("third", ["second"], () => 3);
  await using it = await serveClient([Slow]);
  const [user, other] = await Promise.all([
    it.as("a0000000-0000-4000-8000-00000000000a"),
    it.as("b0000000-0000-4000-8000-00000000000b"),
  ]);
  // Nothing is read but when the channel opens, a message asks for it, or a channel is lost.
  const never = { pollMs: 600_000, maxPollMs: 600_000, quietMs: 600_000 };
  await using pgflow = createClient(user.supabase, never);
  await using run = await pgflow.startFlow(Slow, null);
  const seen: string[] = [];
  for await (const event of run.events()) {
    seen.push("step" in event ? `${event.step} ${event.type.slice(5)}` : event.type);
    if (seen.at(-1) === "first started") steps[0]!.resolve(1);
    if (seen.at(-1) !== "second started") continue;
    // supabase-js opens it again by itself.
    const [socket] = user.sockets;
    await new Promise((resolve) => {
      socket!.addEventListener("close", resolve);
      socket!.close(4000);
    });
    steps[1]!.resolve(2);
  }

  assertEquals(user.sockets.length, 2);
  assertEquals(seen, [
    "run:started",
    "first started",
    "first completed",
    "second started",
    "second completed",
    "third started",
    "third completed",
    "run:completed",
  ]);
  const refusals = await Promise.all([
    other.pgflow.getRun(run.id).catch((error) => error.code),
    it.pgflow.startFlow("slow", null, { runId: run.id }).catch((error) => error.code),
    other.pgflow.listRuns(),
    pgflow.listRuns().then((runs) => runs.map(({ id }) => id)),
  ]);
  assertEquals(refusals, ["PF005", "PF004", [], [run.id]]);
});
