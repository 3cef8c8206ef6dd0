import { assertEquals, assertNotEquals } from "@std/assert";
import { hostFunctions } from "./hosted_functions.ts";
import { runProgram } from "./program.ts";

Deno.test("FunctionsHost passes requests and answers through, wherever the function would listen", async () => {
  await using functions = hostFunctions();

  const response = await functions.fetch("/echo/deeper", {
    method: "POST",
    body: "hello",
    headers: { "x-test": "1" },
  });

  const { isolate, ...rest } = await response.json();
  assertEquals(typeof isolate, "string");
  assertEquals([response.status, response.headers.get("x-answer"), rest], [201, "yes", {
    method: "POST",
    path: "/echo/deeper",
    header: "1",
    body: "hello",
    env: {
      SUPABASE_URL: "http://gateway.test",
      SUPABASE_FUNCTION_SLUG: "echo",
      OWN: "echo",
      GREETING: null,
      PGFLOW_ISOLATE: null,
    },
  }]);
});

Deno.test("FunctionsHost serves a function that exports fetch", async () => {
  await using functions = hostFunctions();

  assertEquals(await (await functions.fetch("/exported")).text(), "from fetch");
});

Deno.test("FunctionsHost keeps an isolate from request to request, also while it boots", async () => {
  await using functions = hostFunctions();
  const isolateOf = async () => (await (await functions.fetch("/echo")).json()).isolate as string;

  const isolates = await Promise.all([isolateOf(), isolateOf(), isolateOf()]);

  assertEquals(new Set([...isolates, await isolateOf()]).size, 1);
});

Deno.test("FunctionsHost answers 404 for an unknown function", async () => {
  await using functions = hostFunctions();

  const response = await functions.fetch("/nobody");

  assertEquals([response.status, await response.json()], [404, {
    code: "NOT_FOUND",
    message: "Requested function was not found",
  }]);
});

for (const [name, line] of [["broken", "no such luck"], ["silent", "serves nothing: call"]]) {
  Deno.test(`FunctionsHost answers 503 for a function that does not boot: ${name}`, async () => {
    await using functions = hostFunctions();

    const response = await functions.fetch(`/${name}`);

    assertEquals([response.status, await response.json()], [503, {
      code: "BOOT_ERROR",
      message: "Worker failed to boot (please check logs)",
    }]);
    assertEquals((await functions.wrote(line!)).name, name);
  });
}

Deno.test("FunctionsHost answers 500 when the function's process ends, and boots it again", async () => {
  await using functions = hostFunctions();

  const response = await functions.fetch("/crash/now");

  assertEquals([response.status, (await response.json()).code], [500, "WORKER_ERROR"]);
  assertEquals((await functions.wrote("out of the blue")).stream, "stderr");
  assertEquals(await (await functions.fetch("/crash")).text(), "alive");
});

Deno.test("FunctionsHost answers 504 when the function does not answer in time", async () => {
  await using functions = hostFunctions({ responseTime: 300, terminationTime: 0 });

  const response = await functions.fetch("/never");

  assertEquals([response.status, (await response.json()).code], [504, "IDLE_TIMEOUT"]);
});

Deno.test("FunctionsHost ends an isolate at its wall clock, even in the middle of an endless loop", async () => {
  await using functions = hostFunctions({ wallClock: 600 });

  const response = await functions.fetch("/busy");

  assertEquals([response.status, (await response.json()).code], [546, "WORKER_LIMIT"]);
});

Deno.test("FunctionsHost announces the wall clock before it ends an isolate with background work", async () => {
  await using functions = hostFunctions({ wallClock: 1000 });

  const first = await (await functions.fetch("/background/work")).text();

  await functions.wrote("beforeunload wall_clock");
  const second = await (await functions.fetch("/background")).text();
  assertNotEquals(second, first);
});

Deno.test("FunctionsHost boots a second isolate when the first is retired, which ends as soon as it has nothing to do", async () => {
  await using functions = hostFunctions({ wallClock: 1200 });

  const first = await (await functions.fetch("/background")).text();

  assertEquals((await functions.wrote("beforeunload")).text, "beforeunload early_drop");
  assertNotEquals(await (await functions.fetch("/background")).text(), first);
});

Deno.test("FunctionsHost.reload() lets background work end and boots the function anew", async () => {
  await using functions = hostFunctions();
  const first = await (await functions.fetch("/background/work")).text();

  await functions.host.reload("background");

  await functions.wrote("beforeunload termination");
  assertNotEquals(await (await functions.fetch("/background")).text(), first);
});

Deno.test("FunctionsHost.stop() ends an isolate that does not react", async () => {
  const functions = hostFunctions({ terminationTime: 100 });
  const answer = functions.fetch("/busy");
  const pid = Number((await functions.wrote("busy")).text.split(" ")[1]);

  await functions.host.stop();

  assertEquals((await answer).status, 500);
  assertEquals(await isAlive(pid), false);
});

async function isAlive(pid: number): Promise<boolean> {
  return (await new Deno.Command("kill", { args: ["-0", `${pid}`], stderr: "null" }).output())
    .success;
}

Deno.test("an isolate ends with its host's process, even in the middle of an endless loop", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const host = new URL("./programs/host_hanging.ts", import.meta.url);
  await using running = runProgram(host, { args: [String(listener.addr.port)] });
  using witness = await listener.accept();
  const buffer = new Uint8Array(20);
  assertEquals(await witness.read(buffer), "hanging".length);

  running.kill("SIGKILL");

  assertEquals(await witness.read(buffer).catch(() => null), null);
});
