import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Flow } from "../../lib/dsl/mod.ts";
import { flowWorker } from "../../lib/worker/mod.ts";
import { edge, post, read, SECRET, SERVICE_ROLE, unload } from "./edge_fixture.ts";
import { workerFixture } from "./worker_fixture.ts";

const Greet = new Flow<string>({ slug: "greet" }).step("hello", ({ run }) => `hello ${run}`);

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

Deno.test("flowWorker() starts one worker, which works in the background until it is unloaded", async () => {
  await using it = await workerFixture();
  await it.compile(Greet);
  using host = edge(it);
  const fetch = flowWorker(Greet, { logger: quiet });
  const runId = await it.startRun("greet", "Ada");

  const [code, first] = await read(await fetch(post({ apikey: SECRET }, "{}")));
  const second = await read(await fetch(post({ authorization: `Bearer ${SERVICE_ROLE}` })));
  while ((await it.picture(runId)).status === "started");
  unload("wall_clock");
  await Promise.all(host.background);
  const third = await read(await fetch(post({ apikey: "sb_secret_two" })));
  unload("cpu");
  unload("termination");
  await Promise.all(host.background);

  const { worker_id } = first;
  assertEquals([code, first], [200, { status: "started", worker_id }]);
  assertEquals(second, [200, { status: "running", worker_id }]);
  assertEquals([third[0], third[1].status], [200, "started"]);
  assert(third[1].worker_id !== worker_id);
  assertEquals((await it.picture(runId)).output, { hello: "hello Ada" });
  const workers = await it.sql`
    select queue_name, function_name, stopped_at is not null as stopped
    from pgflow.workers where function_name = 'greeter'`;
  const stopped = { queue_name: "greet", function_name: "greeter", stopped: true };
  assertEquals(Array.from(workers), [stopped, stopped]);
});

Deno.test("flowWorker() answers two requests at once with one worker", async () => {
  await using it = await workerFixture();
  using host = edge(it);
  const fetch = flowWorker(Greet, { logger: quiet });

  const answers = await Promise.all([
    fetch(post({ apikey: SECRET })).then(read),
    fetch(post({ apikey: SECRET })).then(read),
  ]);
  unload("early_drop");
  await Promise.all(host.background);

  assertEquals(answers[0]![1].worker_id, answers[1]![1].worker_id);
  assertEquals(host.background.length, 1);
});

Deno.test("flowWorker() answers a request it cannot accept with what is wrong", async () => {
  using _host = edge({ url: "postgres://nobody:hidden@127.0.0.1:1/none" });
  const fetch = flowWorker(Greet, { logger: quiet });
  const wrongKeys: Record<string, string>[] = [
    {},
    { apikey: "" },
    { apikey: "sb_publishable_x" },
    { apikey: `${SECRET} ` + "x" },
    { authorization: SERVICE_ROLE },
    { authorization: "Bearer " },
    { authorization: "Basic c2VjcmV0" },
  ];

  for (const headers of wrongKeys) {
    assertEquals(await read(await fetch(post(headers))), [401, {
      code: null,
      message: "Cannot start worker: the request carries no secret key of this project",
      hint: "Send a secret key as header apikey, or the service role key as bearer token.",
    }]);
  }
  const get = await fetch(new Request("http://localhost", { headers: { apikey: SECRET } }));
  assertEquals([get.status, get.headers.get("allow"), (await get.json()).message], [
    405,
    "POST",
    "Cannot start worker: the method is GET",
  ]);
  assertEquals(await read(await fetch(post({ apikey: SECRET }, "{not json"))), [400, {
    code: null,
    message: "Cannot start worker: the request's body is not JSON",
    hint: "Send no body, or a JSON object.",
  }]);
});

Deno.test("flowWorker() does not skip the check when it has no key to compare with", async () => {
  for (const keys of [undefined, "", "{}", "not json", "null", '{"default":""}']) {
    using _host = edge({ url: "postgres://127.0.0.1:1/none" }, {
      SUPABASE_SECRET_KEYS: keys,
      SUPABASE_SERVICE_ROLE_KEY: undefined,
    });
    const [status, body] = await read(await flowWorker(Greet)(post({ apikey: "" })));
    assertEquals([status, body.message], [
      500,
      "Cannot authorize request: the function has no secret key to compare with",
    ]);
  }
});

Deno.test("flowWorker() says why its worker cannot start", async () => {
  await using it = await workerFixture({ direct: true });
  await it.compile(new Flow<string>({ slug: "greet" }).step("other", () => 1));
  const start = async (env: Record<string, string | undefined>) => {
    using host = edge(it, env);
    const answer = await read(await flowWorker(Greet, { logger: quiet })(post({ apikey: SECRET })));
    await Promise.all(host.background);
    return answer;
  };

  const [mismatch, reason] = await start({});
  const [noUrl, missing] = await start({ SUPABASE_DB_URL: undefined });
  const wrong = new URL(it.url);
  wrong.pathname = "/no_such_database";
  const [noDatabase, unknown] = await start({ PGFLOW_DB_URL: wrong.href });

  assertEquals([mismatch, noUrl, noDatabase], [409, 503, 503]);
  assertEquals(reason.code, "PF003");
  assertStringIncludes(reason.message as string, 'step "hello" is not in the database');
  assertStringIncludes(reason.hint as string, '"greet_v2"');
  assertStringIncludes(missing.message as string, "it has no database URL");
  assertStringIncludes(unknown.message as string, 'database "no_such_database" does not exist');
});

Deno.test("flowWorker() answers in time when the database does not", async () => {
  using host = edge({ url: "postgres://postgres:hidden@127.0.0.1:1/none" });
  const lines: string[] = [];
  const note = (message: string) => void lines.push(message);
  const fetch = flowWorker(Greet, { logger: { debug: note, info: note, warn: note, error: note } });

  const [first, second] = await Promise.all([
    fetch(post({ apikey: SECRET })).then(read),
    fetch(post({ apikey: SECRET })).then(read),
  ]);
  unload("wall_clock");
  await Promise.all(host.background);

  assertEquals([first[0], first[1].status, second[0]], [202, "starting", 202]);
  assertEquals(first[1].worker_id, second[1].worker_id);
  assert(lines.some((line) => line.startsWith("database trouble")));
  assertEquals(lines.filter((line) => /hidden|sb_secret|eyJ/.test(line)), []);
});
