import { assertEquals, assertMatch } from "@std/assert";
import { openFolder } from "./open_folder.ts";
import { runProgram } from "./program.ts";

const demo = new URL("../../lib/local/demo.ts", import.meta.url);

Deno.test("the demo runs its flow to the end, shows each step and leaves nothing behind", async () => {
  await using folder = await openFolder();

  const { lines, code } = await runProgram(demo, { env: { TMPDIR: folder.path } }).ended;

  assertEquals(code, 0, lines.join("\n"));
  assertMatch(lines.at(-1)!, /^Run [0-9a-f-]{36} completed in \d+\.\d\d s$/);
  const completed = lines.filter((line) => line.endsWith(" completed")).map((line) =>
    line.trim().split(/\s+/)[2]
  );
  assertEquals(completed.sort(), ["links", "outline", "page", "report", "text"]);
  const output = JSON.parse(lines.slice(lines.indexOf("{"), lines.lastIndexOf("}") + 1).join(""));
  assertEquals(output.report.title, "The quiet power of a queue in Postgres");
  await folder.emptied();
});

Deno.test("the demo ends with 1 when its run fails, and says why", async () => {
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response("no such page", { status: 404 }),
  );
  const url = `http://127.0.0.1:${server.addr.port}/missing`;

  const { lines, code } = await runProgram(demo, { args: [url] }).ended;

  assertEquals(code, 1, lines.join("\n"));
  assertEquals(lines.some((line) => /^Run [0-9a-f-]{36} failed: .*404/.test(line)), true);
});

Deno.test("the demo refuses what is no address of a page", async () => {
  const { lines, code } = await runProgram(demo, { args: ["nonsense"] }).ended;

  assertEquals([code, lines], [1, [
    'Cannot analyze "nonsense": it is no address of a page',
    "  Give an address such as https://example.com, or none for the page of the demo",
  ]]);
});

for (const signal of ["SIGINT", "SIGKILL"] as const) {
  Deno.test(`the demo leaves nothing behind when it is interrupted: ${signal}`, async () => {
    await using folder = await openFolder();
    const url = "http://127.0.0.1:1/";
    await using running = runProgram(demo, { args: [url], env: { TMPDIR: folder.path } });
    await running.line("Run ");

    running.kill(signal);

    const { code } = await running.ended;
    assertEquals(code, signal === "SIGINT" ? 130 : 137);
    await folder.emptied();
  });
}
