import { assertEquals, assertNotEquals } from "@std/assert";
import { hostFunctions } from "./hosted_functions.ts";
import { runProgram } from "./program.ts";

const MB = 1024 * 1024;

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

Deno.test("FunctionsHost retires an isolate at half of its wall clock, and both work until the first ends", async () => {
  await using functions = hostFunctions({ wallClock: 3000, terminationTime: 0 });
  const pidOf = async (path: string) => Number(await (await functions.fetch(path)).text());

  const first = await pidOf("/background/work");
  let second = first;
  while (second === first) second = await pidOf("/background/work");

  assertEquals([await isAlive(first), await isAlive(second)], [true, true]);
  await functions.wrote("beforeunload wall_clock");
  await gone(first);
  assertEquals(await isAlive(second), true);
});

Deno.test("FunctionsHost retires an isolate at its soft CPU limit", async () => {
  await using functions = hostFunctions({ cpuSoft: 300, terminationTime: 0 });
  const pidOf = async (path: string) => (await (await functions.fetch(path)).text()).split(" ")[0];
  const first = await pidOf("/hungry/work");

  await pidOf("/hungry/cpu?ms=450");
  let second = first;
  while (second === first) second = await pidOf("/hungry");

  assertNotEquals(second, first);
});

Deno.test("FunctionsHost announces the hard CPU limit and kills at it, whoever used the CPU", async () => {
  await using functions = hostFunctions({ cpuSoft: 60_000, cpuHard: 3000 });
  const work = async () => {
    const response = await functions.fetch("/hungry/cpu?ms=10");
    return response.status === 200 ? await response.text() : `${response.status}`;
  };
  const first = await (await functions.fetch("/hungry/work")).text();

  let answer = first;
  while (answer === first) answer = await work();

  // The end may come in the midst of a request, or between two.
  assertEquals(answer === "546" || await work() === answer, true, answer);
  assertEquals((await functions.wrote("beforeunload")).text, "beforeunload cpu");
  await gone(Number(first.split(" ")[0]));
});

Deno.test("FunctionsHost announces the memory limit and kills at it", async () => {
  await using functions = hostFunctions({ memory: 200 * MB });
  await functions.fetch("/hungry/work");

  const first = await functions.fetch("/hungry/memory?mb=120");
  const [pid] = (await first.text()).split(" ");
  const second = await functions.fetch("/hungry/memory?mb=66");
  await functions.wrote("beforeunload memory");
  const third = await functions.fetch("/hungry/memory?mb=60");

  assertEquals([first.status, second.status], [200, 200]);
  await gone(Number(pid));
  // Too late for an answer, or just not.
  if (third.status !== 200) {
    assertEquals([third.status, (await third.json()).code], [546, "WORKER_LIMIT"]);
  } else await third.body?.cancel();
});

Deno.test("FunctionsHost drops an idle isolate that has half of its memory, not one at work", async () => {
  await using functions = hostFunctions({ memory: 200 * MB });
  const first = await (await functions.fetch("/hungry/work")).text();

  await (await functions.fetch("/hungry/memory?mb=120")).text();
  const second = await (await functions.fetch("/hungry/release")).text();

  assertEquals(first.split(" ")[0], second.split(" ")[0]);
  assertEquals((await functions.wrote("beforeunload")).text, "beforeunload early_drop");
  await gone(Number(first.split(" ")[0]));
});

Deno.test("FunctionsHost.kill() and its chaos end isolates without a word", async () => {
  const killed: string[] = [];
  await using functions = hostFunctions({}, {
    seed: 1,
    longestLife: 2000,
    onKill: (name) => killed.push(name),
  });

  const first = await (await functions.fetch("/background/work")).text();
  assertEquals(functions.host.kill("background"), 1);
  const second = await (await functions.fetch("/background/work")).text();
  await gone(Number(second));

  assertNotEquals(first, second);
  assertEquals(killed, ["background"]);
  assertEquals(functions.lines, []);
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

/** Resolves when a process is gone. */
async function gone(pid: number): Promise<void> {
  while (await isAlive(pid));
}

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
