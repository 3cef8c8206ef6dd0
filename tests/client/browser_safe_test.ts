import { assertEquals } from "@std/assert";

const root = new URL("../../", import.meta.url);

interface ModuleGraph {
  modules: { specifier: string; kind: string }[];
}

Deno.test("pgflow/client and pgflow/dsl bring along nothing that a browser has not", async () => {
  for (const entry of ["lib/client/mod.ts", "lib/dsl/mod.ts"]) {
    const files = await filesOf(entry);
    const foreign = files.filter((file) => !file.startsWith(new URL("lib/", root).href));
    const folders = new Set(files.map((file) => file.slice(root.href.length).split("/")[1]));
    const used: string[] = [];
    for (const file of files) {
      const code = withoutComments(await Deno.readTextFile(new URL(file)));
      if (/\b(Deno|process|Buffer|require|EdgeRuntime)\b\s*[.(\[]|"(node|npm):/.test(code)) {
        used.push(file);
      }
    }

    assertEquals([foreign, used], [[], []], entry);
    assertEquals(
      [...folders].sort(),
      [entry.split("/")[1]!, "dsl", "errors.ts"]
        .filter((folder, index, all) => all.indexOf(folder) === index).sort(),
    );
  }
});

/** The files that a module loads, types left out as in a bundle. */
async function filesOf(entry: string): Promise<string[]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "--no-lock", new URL(entry, root).href],
    cwd: root,
    env: { NO_COLOR: "1" },
    stderr: "null",
  }).output();
  const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as ModuleGraph;
  return modules.map(({ specifier }) => specifier);
}

function withoutComments(code: string): string {
  return code.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/\/\/.*$/gm, "");
}
