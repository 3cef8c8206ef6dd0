import { assertEquals, assertMatch } from "@std/assert";
import { unprivilegedUser } from "../../lib/local/unprivileged_user.ts";
import { runProgram } from "./program.ts";
import { copy, tempProject } from "./temp_project.ts";

Deno.test("an ordinary user prepares Postgres in their cache, two at once, and runs the demo", async () => {
  await using project = await tempProject();
  const user = await unprivilegedUser();
  const options = {
    root: project.root,
    user,
    clearEnv: true,
    deno: await reachableDeno(project.path),
    env: {
      PATH: Deno.env.get("PATH")!,
      HOME: `${project.path}/home`,
      DENO_DIR: await reachableCache(project.path),
      TMPDIR: `${project.path}/tmp`,
      NO_COLOR: "1",
    },
  };
  for (const name of ["home", "tmp"]) {
    await Deno.mkdir(`${project.path}/${name}`);
    await Deno.chmod(`${project.path}/${name}`, 0o777);
  }
  const demo = new URL("lib/local/demo.ts", project.root);

  const results = await Promise.all([
    runProgram(demo, options).ended,
    runProgram(demo, options).ended,
  ]);

  for (const { lines, code } of results) {
    assertEquals(code, 0, lines.join("\n"));
    assertMatch(lines.at(-1)!, /completed/);
  }
  const cached = Array.from(Deno.readDirSync(`${project.path}/home/.cache/pgflow`));
  assertEquals(cached.map(({ name }) => name.split("-")[0]), ["postgres"]);
});

/** As root, this process's Deno may lie in a home folder that others cannot enter. */
async function reachableDeno(folder: string): Promise<string> {
  await copy([Deno.execPath(), `${folder}/deno`]);
  return `${folder}/deno`;
}

async function reachableCache(folder: string): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  const { denoDir } = JSON.parse(new TextDecoder().decode(stdout)) as { denoDir: string };
  // The rest of the cache changes while other programs of this Deno run.
  await Deno.mkdir(`${folder}/cache`);
  await copy(["-R", `${denoDir}/npm`, `${folder}/cache`]);
  await new Deno.Command("chmod", { args: ["-R", "a+rwX", `${folder}/cache`] }).output();
  return `${folder}/cache`;
}
