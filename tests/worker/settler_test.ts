import { assertEquals, assertRejects } from "@std/assert";
import type { TaskResult } from "../../lib/db/mod.ts";
import { Settler } from "../../lib/worker/settler.ts";

/** A database that answers each call as told, and then as it should. */
function fakeDb(...answers: (Error | "change nothing" | undefined)[]) {
  const calls: string[][] = [];
  return {
    calls,
    settleTasks(results: readonly TaskResult[]) {
      calls.push(results.map((result) => `${result.stepSlug}:${kindOf(result)}`));
      const answer = answers.shift();
      if (answer instanceof Error) return Promise.reject(answer);
      if (answer === "change nothing") return Promise.resolve([]);
      return Promise.resolve(results.map((result) => ({ ...result, status: "completed" })));
    },
  };
}

function kindOf(result: TaskResult): string {
  if ("outputJson" in result) return "output";
  return "errorMessage" in result ? "failure" : "release";
}

function output(stepSlug: string, outputJson = "1"): TaskResult {
  return { runId: "r", stepSlug, taskIndex: 0, attempt: 1, outputJson };
}

function settlerWith(...answers: Parameters<typeof fakeDb>) {
  const db = fakeDb(...answers);
  const lines: string[] = [];
  const at = (level: string) => (message: string) => void lines.push(`${level} ${message}`);
  const log = { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
  return { db, lines, settler: new Settler(db, log) };
}

const lost = Object.assign(new Error("gone"), { code: "CONNECTION_CLOSED" });
const refused = Object.assign(new Error("no such character"), { code: "22P05" });

Deno.test("settle() sends everything there is in one call", async () => {
  const { db, settler } = settlerWith();
  for (const step of ["a", "b", "c"]) settler.add(output(step));
  await settler.settle();
  await settler.settle();
  assertEquals(db.calls, [["a:output", "b:output", "c:output"]]);
});

Deno.test("settle() keeps results for later, in their order, when the database is away", async () => {
  const { db, settler } = settlerWith(lost);
  settler.add(output("a"));
  const settling = assertRejects(() => settler.settle(), Error, "gone");
  settler.add(output("b"));
  await settling;
  assertEquals(settler.isEmpty, false);
  await settler.settle();
  assertEquals([db.calls, settler.isEmpty], [[["a:output"], ["a:output", "b:output"]], true]);
});

Deno.test("settle() finds the result that the database refuses and fails its task", async () => {
  const { db, settler } = settlerWith(refused, undefined, refused);
  for (const step of ["a", "b", "c"]) settler.add(output(step));
  await settler.settle();
  assertEquals([db.calls, settler.isEmpty], [[
    ["a:output", "b:output", "c:output"],
    ["a:output"],
    ["b:output"],
    ["b:failure"],
    ["c:output"],
  ], true]);
});

Deno.test("settle() keeps what is left when the database goes away in between", async () => {
  const { db, settler } = settlerWith(refused, undefined, lost);
  for (const step of ["a", "b", "c"]) settler.add(output(step));
  await assertRejects(() => settler.settle(), Error, "gone");
  await settler.settle();
  assertEquals(db.calls.slice(3), [["b:output", "c:output"]]);
});

Deno.test("settle() drops a result that the database refuses in every form, and says so", async () => {
  const { lines, settler } = settlerWith(refused, refused, refused);
  settler.add(output("a"));
  await settler.settle();
  assertEquals([lines, settler.isEmpty], [
    ["error result could not be recorded: no such character"],
    true,
  ]);
});

Deno.test("settle() notes results that changed nothing", async () => {
  const { lines, settler } = settlerWith("change nothing");
  settler.add(output("a"));
  await settler.settle();
  assertEquals(lines, ["debug result changed nothing: the attempt was over"]);
});

Deno.test("settle() sends large outputs in calls of their own", async () => {
  const { db, settler } = settlerWith();
  const large = `"${"x".repeat(5_000_000)}"`;
  settler.add(output("a", large));
  settler.add(output("b", large));
  settler.add(output("c"));
  while (!settler.isEmpty) await settler.settle();
  assertEquals(db.calls, [["a:output"], ["b:output", "c:output"]]);
});
