import { assertEquals } from "@std/assert";
import { complete, owner, serveRun, stranger, topic, user } from "./watched_run.ts";
import { watch } from "./watcher.ts";

Deno.test("Realtime lets nobody but the owner and the service role join a run's topic", async () => {
  await using stack = await serveRun();
  const { keys } = stack;
  const outcome = async (key: string, token?: string, config = { private: true }) => {
    await using watcher = watch(stack, key, token);
    const { status, error } = await watcher.join(topic, config);
    return error === undefined ? status : `${status}: ${error}`;
  };
  const refused = "CHANNEL_ERROR: Unauthorized: You do not have permissions to read from this " +
    `Channel topic: ${topic}`;

  assertEquals({
    owner: await outcome(keys.publishable, await user(stack, owner)),
    ownerByOldKey: await outcome(keys.anon, await user(stack, owner)),
    stranger: await outcome(keys.publishable, await user(stack, stranger)),
    nameless: await outcome(keys.publishable, await stack.token({ role: "authenticated" })),
    anon: await outcome(keys.publishable),
    anonByOldKey: await outcome(keys.anon),
    anonWithName: await outcome(keys.anon, await stack.token({ role: "anon", sub: owner })),
    service: await outcome(keys.secret),
    serviceByOldKey: await outcome(keys.serviceRole),
    forged: await outcome(keys.publishable, (await user(stack, owner)).slice(0, -4) + "AAAA"),
  }, {
    owner: "SUBSCRIBED",
    ownerByOldKey: "SUBSCRIBED",
    stranger: refused,
    nameless: refused,
    anon: refused,
    anonByOldKey: refused,
    anonWithName: refused,
    service: "SUBSCRIBED",
    serviceByOldKey: "SUBSCRIBED",
    forged: "CHANNEL_ERROR: JWT cannot be verified with the key of this project",
  });
});

Deno.test("Realtime keeps a run's events from who joins the topic in public", async () => {
  await using stack = await serveRun();
  await using spy = watch(stack, stack.keys.publishable);
  await using watcher = watch(stack, stack.keys.publishable, await user(stack, owner));
  const { status, next: overheard } = await spy.join(topic, { private: false });
  const { next } = await watcher.join(topic);

  await complete(stack, "first");
  await stack.database.sql`select realtime.send('{"n": 1}', 'hello', ${topic}, false)`;

  assertEquals(status, "SUBSCRIBED");
  assertEquals((await next()).event, "step:first:completed");
  const { event, payload } = await overheard();
  assertEquals([event, payload["n"]], ["hello", 1]);
});

Deno.test("Realtime lets nobody send what looks like an event of a run", async () => {
  await using stack = await serveRun();
  await stack.database.sql.unsafe(`
    create policy anybody_writes on realtime.messages for insert to authenticated with check (true)
  `);
  const token = await user(stack, owner);
  await using forger = watch(stack, stack.keys.publishable, token);
  await using watcher = watch(stack, stack.keys.publishable, token);
  const config = { private: true, broadcast: { ack: true } };
  const { channel } = await forger.join(topic, config);
  const { next } = await watcher.join(topic);

  const forged = { type: "broadcast" as const, event: "run:completed", payload: { forged: true } };
  const answer = await channel.send(forged);
  await complete(stack, "first");

  assertEquals([answer, (await next()).event], ["error", "step:first:completed"]);
});

Deno.test("Realtime asks the policy again when a token is refreshed, and closes what it forbids", async () => {
  await using stack = await serveRun();
  await using watcher = watch(stack, stack.keys.publishable);
  await watcher.supabase.realtime.setAuth(await user(stack, owner));
  const { status, next, nextStatus } = await watcher.join(topic);
  await watcher.supabase.realtime.setAuth(await user(stack, owner, { refreshed: true }));
  await complete(stack, "first");
  assertEquals([status, (await next()).event], ["SUBSCRIBED", "step:first:completed"]);

  await watcher.supabase.realtime.setAuth(await user(stack, stranger));
  assertEquals(await nextStatus(), "CLOSED");
});

Deno.test("Realtime closes a topic when the token ends", async () => {
  await using stack = await serveRun();
  await using watcher = watch(stack, stack.keys.publishable);
  const exp = Math.floor(Date.now() / 1000) + 3;
  await watcher.supabase.realtime.setAuth(await user(stack, owner, { exp }));
  const { status, nextStatus } = await watcher.join(topic);

  assertEquals([status, await nextStatus()], ["SUBSCRIBED", "CLOSED"]);
});
