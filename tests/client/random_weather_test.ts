import { assertEquals } from "@std/assert";
import { createClient, type RunEvent } from "pgflow/client";
import { Random } from "../property/random.ts";
import type { FakeStep } from "./fake_run.ts";
import { FakeSupabase } from "./fake_supabase.ts";

const ROUNDS = 300;

Deno.test("readers see all events once and in a possible order, whatever happens to messages", async () => {
  let messages = 0;
  let events = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const { supabase, seen, known } = await watchRandomRun(new Random(`weather ${round}`));
    assertEquals(
      wrongAmong(seen, supabase),
      [],
      `round ${round}: ${JSON.stringify(seen, null, 1)}`,
    );
    assertEquals(known, supabase.run.snapshot().run.status, `round ${round}: status`);
    assertEquals(supabase.channels.size, 0, `round ${round}: channels`);
    messages += supabase.run.sent.length;
    events += seen.length;
  }
  assertEquals([messages > ROUNDS * 5, events > ROUNDS * 5], [true, true]);
});

async function watchRandomRun(random: Random) {
  const storm = random.next();
  const later = (act: () => void) => setTimeout(act, random.int(4));
  const supabase = new FakeSupabase(randomSteps(random), {
    deliver(deliver) {
      if (random.chance(0.3 * storm)) return;
      if (random.chance(storm)) later(deliver);
      else queueMicrotask(deliver);
      if (random.chance(0.3 * storm)) later(deliver);
    },
    async pause() {
      if (random.chance(0.7)) await pause(random.int(4));
    },
  });
  await using pgflow = createClient(supabase, { pollMs: 2, maxPollMs: 8, quietMs: 8 });
  const { run } = supabase;
  // The run is on its way when the watcher comes, as often as not.
  if (random.chance(0.5)) run.advance(run.started[0]!);
  const watched = await pgflow.getRun(run.id);
  const seen: RunEvent[] = [];
  const reading = (async () => {
    for await (const event of watched.events()) seen.push(event);
  })();
  const ended = watched.completed().catch((error) => error);
  let retries = random.chance(0.3) ? 1 : 0;
  for (let step = 0; step < 200 && !(run.isOver && retries === 0); step++) {
    if (random.chance(0.6)) await pause(random.int(4));
    if (random.chance(0.05 * storm)) supabase.disconnect();
    if (random.chance(0.3)) supabase.reconnect();
    if (run.isOver && retries-- > 0) run.retry();
    else if (retries > 0 && random.chance(0.05)) run.cancel();
    else if (run.started.length > 0) run.advance(random.pick(run.started));
  }
  await reading;
  await ended;
  // A reader who comes after a retry sees all of it.
  await watched.refresh();
  const all: RunEvent[] = [];
  for await (const event of watched.events()) all.push(event);
  const isWhole = seen.at(-1)?.type !== "run:completed" || seen.length === all.length;
  assertEquals([isWhole, seen], [true, all.slice(0, seen.length)]);
  // The channel is left in a turn of its own.
  for (let turn = 0; turn < 50 && supabase.channels.size > 0; turn++) await pause(2);
  return { supabase, seen: all, known: watched.status };
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function randomSteps(random: Random): FakeStep[] {
  const count = 2 + random.int(6);
  return Array.from({ length: count }, (_, index) => ({
    slug: `s${index}`,
    dependencies: Array.from({ length: index }, (_, before) => `s${before}`).filter(() =>
      random.chance(0.4)
    ),
    end: random.chance(0.15) ? "skipped" : random.chance(0.1) ? "failed" : "completed",
    tasks: random.chance(0.2) ? 3 : 1,
  }));
}

/** Says what no reader should have seen, and what one should have. */
function wrongAmong(seen: RunEvent[], { run }: FakeSupabase): string[] {
  const wrong: string[] = [];
  const steps = new Map(run.snapshot().steps.map((step) => [step.step_slug, step]));
  let status = "";
  const known = new Map<string, string>();
  const isDone = (slug: string) => ["completed", "skipped"].includes(known.get(slug) ?? "");
  for (const event of seen) {
    const [subject, news] = event.type.split(":") as ["run" | "step", string];
    if (subject === "run") {
      if (status === news) wrong.push(`${event.type} again`);
      if (news !== "started" && status !== "started") wrong.push(`${event.type} after ${status}`);
      if (news === "started") { for (const [slug] of known) if (!isDone(slug)) known.delete(slug); }
      status = news;
      continue;
    }
    const { step } = event as { step: string };
    const before = known.get(step) ?? "created";
    if (status !== "started") wrong.push(`${event.type} of ${step} after the run ${status}`);
    const possible: Record<string, string[]> = {
      started: ["created"],
      progress: ["started"],
      completed: ["started"],
      failed: ["started"],
      skipped: ["created", "started"],
    };
    if (!possible[news]!.includes(before)) wrong.push(`${event.type} of ${step} after ${before}`);
    if (news === "started" && !steps.get(step)!.deps_slugs!.every(isDone)) {
      wrong.push(`${step} started before its dependencies ended`);
    }
    if (news === "completed" && (event as { output: unknown }).output !== `${step} done`) {
      wrong.push(`no output of ${step}`);
    }
    known.set(step, news === "progress" ? "started" : news);
  }
  for (const [slug, row] of steps) {
    const last = known.get(slug) ?? "created";
    const isTold = row.status === last || row.status === "created" ||
      // That a step is cancelled is said by its run's end.
      (row.status === "cancelled" && (last === "created" || last === "started"));
    if (!isTold) wrong.push(`${slug} is ${row.status}, the reader knows ${last}`);
  }
  if (run.isOver && status !== run.snapshot().run.status) {
    wrong.push(`the run is known as ${status}`);
  }
  return wrong;
}
