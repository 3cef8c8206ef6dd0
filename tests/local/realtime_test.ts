import { assertEquals } from "@std/assert";
import { runId } from "../sql/pictures.ts";
import { type ServedGateway, serveGateway } from "./served_gateway.ts";
import { type Joined, watch } from "./watcher.ts";

const run = runId(1);
const topic = `pgflow:run:${run}`;
const owner = "00000000-0000-4000-8000-00000000000a";
const stranger = "00000000-0000-4000-8000-00000000000b";

/** A gateway with a watched run of the owner's. */
async function serveRun(flow = "sequential"): Promise<ServedGateway> {
  const stack = await serveGateway();
  const { sql } = stack.database;
  await sql`select pgflow_tests.setup_flow(${flow})`;
  await sql`select pgflow.start_flow_with_states(${flow}, '[1, 2, 3]', ${run})`;
  await sql`update pgflow.runs set owner = ${owner} where run_id = ${run}`;
  return stack;
}

const user = (stack: ServedGateway, sub: string, more: Record<string, unknown> = {}) =>
  stack.token({ role: "authenticated", sub, ...more });

const complete = (stack: ServedGateway, step: string) =>
  stack.database.sql`select pgflow.complete_task(${run}, ${step}, 0, '{"ok": true}')`;

for (const vsn of ["1.0.0", "2.0.0"]) {
  Deno.test(`Realtime ${vsn} tells a run's owner what becomes of it, once and in order`, async () => {
    await using stack = await serveRun();
    const token = await user(stack, owner);
    await using watcher = watch(stack, stack.keys.publishable, token, { vsn });

    const { status, next } = await watcher.join(topic);
    for (const step of ["first", "second", "last"]) await complete(stack, step);

    const events: string[] = [];
    let last;
    do events.push((last = await next()).event); while (last.event !== "run:completed");
    assertEquals([status, events], ["SUBSCRIBED", [
      "step:first:completed",
      "step:second:started",
      "step:second:completed",
      "step:last:started",
      "step:last:completed",
      "run:completed",
    ]]);
    assertEquals(last.payload, {
      event_type: "run:completed",
      run_id: run,
      flow_slug: "sequential",
      status: "completed",
      completed_at: last.payload["completed_at"],
      output: { last: { ok: true } },
    });
  });
}

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

Deno.test("Realtime passes clients' messages on, to others and on request to themselves", async () => {
  await using stack = await serveGateway();
  await using ada = watch(stack, stack.keys.publishable);
  await using alan = watch(stack, stack.keys.publishable, undefined, { vsn: "1.0.0" });
  const room = await ada.join("room", { broadcast: { ack: true } });
  const echo = await alan.join("room", { broadcast: { ack: true, self: true } });
  const say = ({ channel }: Joined, text: string) =>
    channel.send({ type: "broadcast", event: "said", payload: { text } });

  assertEquals([await say(room, "hällo"), await say(echo, "hi")], ["ok", "ok"]);
  assertEquals((await echo.next()).payload, { text: "hällo" });
  assertEquals((await echo.next()).payload, { text: "hi" });
  assertEquals((await room.next()).payload, { text: "hi" });
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

Deno.test("Realtime tells 1,000 events of one transaction, which no single notification could", async () => {
  await using stack = await serveGateway();
  await using watcher = watch(stack, stack.keys.secret);
  const { next } = await watcher.join("many");

  await stack.database.sql`
    insert into realtime.messages (topic, extension, event, payload, private)
    select 'many', 'broadcast', 'n', jsonb_build_object('n', n), true
    from generate_series(1, 1000) n
  `;

  for (let n = 1; n <= 1000; n++) assertEquals((await next()).payload["n"], n);
});

Deno.test("Realtime lets its clients come back when it lost the database for a moment", async () => {
  await using stack = await serveRun();
  await using watcher = watch(stack, stack.keys.secret, undefined, { reconnectAfterMs: () => 50 });
  const { next, nextStatus } = await watcher.join(topic);

  await stack.database.sql`
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and query ilike 'listen%'
  `;
  while (await nextStatus() !== "SUBSCRIBED");
  await complete(stack, "first");

  assertEquals((await next()).event, "step:first:completed");
});

Deno.test("Realtime leaves a topic, and refuses connections without a key or with an unknown vsn", async () => {
  await using stack = await serveRun();
  await using watcher = watch(stack, stack.keys.secret);
  const { channel } = await watcher.join(topic);
  const open = (query: string) =>
    fetch(`${stack.gateway.url}/realtime/v1/websocket?${query}`, {
      headers: { upgrade: "websocket", connection: "upgrade" },
    }).then(async (response) => [response.status, (await response.json()).message]);

  assertEquals(await channel.unsubscribe(), "ok");
  assertEquals(await open("vsn=2.0.0"), [401, "No API key found in request"]);
  assertEquals(await open("vsn=2.0.0&apikey=x"), [401, "Invalid API key"]);
  assertEquals(await open(`vsn=3.0.0&apikey=${stack.keys.anon}`), [400, "Unknown vsn: 3.0.0"]);
});

Deno.test("Realtime tells 60 runs that several sessions work on, none of them twice or too little", async () => {
  await using stack = await serveGateway();
  const { sql } = stack.database;
  await sql`select pgflow_tests.setup_flow('diamond')`;
  await using watcher = watch(stack, stack.keys.secret);
  const runs = Array.from({ length: 60 }, (_, n) => runId(n + 1));
  const joined = await Promise.all(runs.map((id) => watcher.join(`pgflow:run:${id}`)));

  for (const id of runs) await sql`select pgflow.start_flow_with_states('diamond', '1', ${id})`;
  const work = async () => {
    while ((await sql`select pgflow_tests.poll_and_complete('diamond', 7)`).length > 0);
  };
  const left = () => sql`select from pgflow.runs where status = 'started'`;
  while ((await left()).length > 0) await Promise.all([work(), work(), work(), work()]);
  for (const { channel } of joined) {
    await sql`select realtime.send('{}', 'end of test', ${channel.subTopic})`;
  }

  for (const { next } of joined) {
    const events: string[] = [];
    for (let { event } = await next(); event !== "end of test"; { event } = await next()) {
      events.push(event);
    }
    const steps = ["join", "left", "right", "root"];
    assertEquals(events.toSorted(), [
      "run:completed",
      "run:started",
      ...steps.flatMap((step) => [`step:${step}:completed`, `step:${step}:started`]),
    ]);
    assertEquals([events.at(0), events.at(-1)], ["run:started", "run:completed"]);
    const at = (event: string) => events.indexOf(event);
    assertEquals(at("step:join:started") > at("step:left:completed"), true);
    assertEquals(at("step:join:started") > at("step:right:completed"), true);
  }
});
