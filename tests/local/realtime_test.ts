import { assertEquals } from "@std/assert";
import { runId } from "../sql/pictures.ts";
import { serveGateway } from "./served_gateway.ts";
import { complete, owner, run, serveRun, topic, user } from "./watched_run.ts";
import { type Joined, watch } from "./watcher.ts";

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

Deno.test("Realtime replays what was stored before somebody joined", async () => {
  await using stack = await serveRun();
  await complete(stack, "first");
  await using watcher = watch(stack, stack.keys.publishable, await user(stack, owner));
  const replay = { since: Date.now() - 60_000, limit: 25 };

  const { next } = await watcher.join(topic, { private: true, broadcast: { replay } });

  const events = [await next(), await next(), await next(), await next()];
  assertEquals(events.map(({ event }) => event).toSorted(), [
    "run:started",
    "step:first:completed",
    "step:first:started",
    "step:second:started",
  ]);
});

Deno.test("the gateway stops while somebody is connected", async () => {
  await using stack = await serveRun();
  const url = `${stack.gateway.url.replace("http", "ws")}/realtime/v1/websocket`;
  const socket = new WebSocket(`${url}?vsn=1.0.0&apikey=${stack.keys.anon}`);
  await new Promise((resolve) => socket.addEventListener("open", resolve));
  const closed = new Promise<CloseEvent>((resolve) => socket.addEventListener("close", resolve));

  await stack.gateway.stop();

  assertEquals((await closed).code, 1001);
});
