import { assertEquals, assertRejects } from "@std/assert";
import { createClient, PgflowError } from "pgflow/client";
import { failure, FakeSupabase, success, type Weather } from "./fake_supabase.ts";

const steps = () => [{ slug: "a" }, { slug: "b", dependencies: ["a"] }];
const quick = { pollMs: 1, maxPollMs: 4, quietMs: 60_000 };

/** A run that is watched, and the timers that are open because of it. */
async function watched(options = {}, weather: Weather = {}) {
  const supabase = new FakeSupabase(steps(), weather);
  const pgflow = createClient(supabase, { ...quick, ...options });
  const run = await pgflow.startFlow("fake", null);
  return { supabase, pgflow, run, [Symbol.asyncDispose]: () => pgflow[Symbol.asyncDispose]() };
}

/** Resolves when the client has read the run once more. */
function nextRead(supabase: FakeSupabase): Promise<void> {
  return new Promise((resolve) => supabase.onRead = resolve);
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 5));

Deno.test("what was lost while the connection was away is found by reading", async () => {
  await using it = await watched({ pollMs: 60_000 });
  const { supabase, run } = it;
  const waiting = run.completed();
  await nextRead(supabase);
  supabase.disconnect();
  for (const slug of ["a", "b"]) supabase.run.advance(slug);

  supabase.reconnect();

  assertEquals(await waiting, { all: "done" } as never);
});

Deno.test("without Realtime a run is read again and again, until nobody waits", async () => {
  for (const how of ["no channels", "not wanted", "refused", "no messages"]) {
    const supabase = new FakeSupabase(steps(), how === "refused" ? { realtime: false } : {});
    const options = how === "not wanted" ? { ...quick, realtime: false } : quick;
    const row = { ...supabase.run.snapshot().run, broadcast: how !== "no messages" };
    supabase.answers.push(success(row));
    await using run = await createClient(supabase, options).startFlow("fake", null);
    if (how === "no channels") Object.assign(supabase, { channel: undefined });
    const waiting = run.stepCompleted("a");
    for (let read = 0; read < 3; read++) await nextRead(supabase);
    supabase.run.advance("a");

    assertEquals(await waiting, "a done", how);
    await turn();
    const { reads } = supabase;
    await turn();
    assertEquals([supabase.reads, supabase.channels.size], [reads, 0], how);
  }
});

Deno.test("readings come less and less often while nothing happens, and often again when it does", async () => {
  using clock = fakeClock();
  const supabase = new FakeSupabase(steps());
  const options = { realtime: false, pollMs: 100, maxPollMs: 1000, random: () => 0.5 };
  await using run = await createClient(supabase, options).startFlow("fake", null);
  const times: number[] = [];
  supabase.onRead = () => times.push(clock.now);
  const waiting = run.completed();
  const reads = async (count: number) => {
    while (times.length < count) await clock.next();
  };

  await reads(9);
  supabase.run.advance("a");
  await reads(12);

  const pauses = times.map((time, index) => Math.round(time - (times[index - 1] ?? 0)));
  // The first look is news, and so is the tenth.
  assertEquals(pauses, [0, 100, 160, 256, 410, 655, 1000, 1000, 1000, 1000, 100, 160]);
  run.dispose();
  await assertRejects(() => waiting, PgflowError);
});

Deno.test("with Realtime a run is read in silence all the same, since messages can be lost", async () => {
  await using it = await watched({ quietMs: 2 }, { deliver: () => {} });
  const { supabase, run } = it;
  const waiting = run.stepCompleted("a");
  await nextRead(supabase);
  supabase.run.advance("a");

  assertEquals(await waiting, "a done");
});

Deno.test("a channel that the server closes is opened anew", async () => {
  await using it = await watched();
  const { supabase, run } = it;
  const waiting = run.completed();
  await nextRead(supabase);
  supabase.disconnect("CLOSED");
  await nextRead(supabase);
  await nextRead(supabase);
  assertEquals(supabase.channels.size, 1);

  supabase.weather.deliver = undefined as never;
  for (const slug of ["a", "b"]) supabase.run.advance(slug);
  await waiting;
});

Deno.test("a run that cannot be read ends the waiting; trouble that passes does not", async () => {
  await using it = await watched();
  const { supabase, run } = it;
  supabase.answers.push(
    failure(503, "no server"),
    failure(0, "TypeError: fetch failed"),
    failure(401, "JWT expired", "PGRST303"),
    failure(400, "Cannot get run: it does not exist", "PF005"),
  );
  const error = await assertRejects(() => run.completed(), PgflowError, "it does not exist");
  assertEquals([error.code, supabase.reads], ["PF005", 4]);

  const again = run.stepCompleted("a");
  supabase.run.advance("a");
  assertEquals(await again, "a done");
});

Deno.test("an AbortSignal ends each kind of waiting, with its reason", async () => {
  await using it = await watched();
  const { supabase, run } = it;
  const reason = new Error("enough");
  const controller = new AbortController();
  const { signal } = controller;
  const read = async () => {
    for await (const _ of run.events({ signal }));
  };
  const waiting = [run.completed({ signal }), run.stepCompleted("a", { signal }), read()];
  await nextRead(supabase);

  controller.abort(reason);

  for (const promise of waiting) assertEquals(await promise.catch((error) => error), reason);
  assertEquals(await run.completed({ signal }).catch((error) => error), reason);
  assertEquals(await run.refresh({ signal }).catch((error) => error), reason);
  await turn();
  assertEquals(supabase.channels.size, 0);
});

Deno.test("dispose() ends iterations and waiting, and leaves no channel and no timer", async () => {
  for (const what of ["run", "client"]) {
    using clock = fakeClock();
    await using it = await watched();
    const { supabase, pgflow, run } = it;
    const waiting = run.completed();
    const read = (async () => {
      for await (const _ of run.events());
      return "ended";
    })();
    await nextRead(supabase);
    assertEquals(supabase.channels.size, 1);

    await (what === "run" ? run : pgflow)[Symbol.asyncDispose]();

    await assertRejects(() => waiting, PgflowError, "it is not watched any more");
    assertEquals(await read, "ended");
    await assertRejects(() => run.stepCompleted("a"), PgflowError, "it is not watched any more");
    while (supabase.channels.size > 0) await clock.next();
    assertEquals([clock.timers, supabase.channels.size], [0, 0], what);
  }
});

Deno.test("two who watch the same run share a channel, which is left by the last", async () => {
  await using it = await watched();
  const { supabase, run } = it;
  await using other = await createClient(supabase, quick).getRun(run.id);
  const waiting = [run.stepCompleted("a"), other.stepCompleted("a"), other.completed()];
  await nextRead(supabase);
  assertEquals(supabase.channels.size, 1);

  supabase.run.advance("a");
  await Promise.all(waiting.slice(0, 2));
  await turn();
  assertEquals(supabase.channels.size, 1);
  supabase.run.advance("b");
  await waiting[2];
  await turn();
  assertEquals(supabase.channels.size, 0);
});

Deno.test("whoever waits for one step after the other keeps the channel", async () => {
  await using it = await watched();
  const { supabase, run } = it;
  let opened = 0;
  const { channel } = supabase;
  supabase.channel = (...args) => (opened++, channel(...args));
  for (const slug of ["a", "b"]) {
    const waiting = run.stepCompleted(slug);
    supabase.run.advance(slug);
    await waiting;
  }
  await run.completed();
  assertEquals(opened, 1);
});

/** Timers that go off one by one, when a test says so. */
function fakeClock() {
  const { setTimeout, clearTimeout } = globalThis;
  const timers = new Map<number, { at: number; act: () => void }>();
  const clock = {
    now: 0,
    get timers() {
      return timers.size;
    },
    /** Lets the next timer go off, and all that follows from it happen. */
    async next() {
      const [id, timer] = [...timers].sort(([, a], [, b]) => a.at - b.at)[0] ?? [0, undefined];
      timers.delete(id);
      if (timer) clock.now = timer.at;
      timer?.act();
      await new Promise((resolve) => setTimeout(resolve));
    },
    [Symbol.dispose]() {
      Object.assign(globalThis, { setTimeout, clearTimeout });
    },
  };
  let lastId = 0;
  Object.assign(globalThis, {
    setTimeout(act: () => void, ms = 0) {
      timers.set(++lastId, { at: clock.now + ms, act });
      return lastId;
    },
    clearTimeout: (id: number) => timers.delete(id),
  });
  return clock;
}
