import { assertEquals } from "@std/assert";
import { runProgram } from "./program.ts";
import { tempProject } from "./temp_project.ts";

const serving = (text: string) => `Deno.serve(() => new Response("${text}"));\n`;

Deno.test("dev says where the stack is, meets changed files with new isolates and ends with Ctrl-C", async () => {
  await using project = await tempProject();
  await project.write("functions/hello/index.ts", serving("one"));
  await project.write(
    "supabase/config.toml",
    "[functions.hello]\nverify_jwt = false\n" +
      'entrypoint = "../functions/hello/index.ts"\n',
  );
  const dev = new URL("lib/local/dev.ts", project.root);
  await using running = runProgram(dev, { root: project.root, env: { PGFLOW_PORT: "0" } });
  await running.line("Ctrl-C");
  const url = (await running.line("/functions/v1/hello")).trim();
  const answer = async () => await (await fetch(url)).text();

  assertEquals(await answer(), "one");
  await project.write("functions/hello/index.ts", serving("two"));
  await running.line("Reloading hello");
  await running.line("Reloaded hello");
  assertEquals(await answer(), "two");

  running.kill("SIGINT");
  assertEquals((await running.ended).code, 130);
});
