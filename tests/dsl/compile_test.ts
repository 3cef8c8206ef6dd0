import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { compile } from "../../lib/local/compile.ts";
import type { PgflowError } from "../../lib/errors.ts";

const dsl = JSON.stringify(new URL("../../lib/dsl/mod.ts", import.meta.url).href);
const now = new Date("2026-01-02T03:04:05.678Z");

const greet = `
  import { Flow } from ${dsl};
  export const Greet = new Flow({ slug: "greet" }).step("a", () => 1).step("b", ["a"], () => 2);
  export default Greet;
`;

const compiled = `-- The flow greet, compiled from flows/greet.ts by \`deno task compile\`.
select pgflow.create_flow(flow_slug => 'greet', max_attempts => 3, base_delay => 5, timeout => 60);
select pgflow.add_step(flow_slug => 'greet', step_slug => 'a');
select pgflow.add_step(flow_slug => 'greet', step_slug => 'b', deps_slugs => array['a']::text[]);
`;

Deno.test("compile() writes a migration, named by the time and the flow", async () => {
  await using project = await createProject({ "flows/greet.ts": greet });

  const said = await compile(["flows/greet.ts"], { root: project.root, now });

  assertEquals(
    { said, files: await project.migrations() },
    {
      said: "Wrote supabase/migrations/20260102030405_compile_greet.sql",
      files: { "20260102030405_compile_greet.sql": compiled },
    },
  );
});

Deno.test("compile() warns of steps that take longer than an edge function lives", async () => {
  const long = greet.replace(`{ slug: "greet" }`, `{ slug: "greet", timeout: 401 }`)
    .replace("() => 2", "() => 2, { timeout: 400 }");
  await using project = await createProject({ "flows/greet.ts": long });

  const said = await compile(["greet", "--stdout"], { root: project.root });

  assertEquals(
    said.split("\n")[1],
    '-- Warning: Step "a" of flow "greet" has a timeout of 401 s, ' +
      "but no edge function lives longer than 400 s.",
  );
  assertEquals(said.match(/Warning/g)!.length, 1);
});

Deno.test("compile() finds a flow by its slug and leaves alone what is compiled already", async () => {
  await using project = await createProject({
    "flows/greet.ts": greet,
    "supabase/migrations/1_compile_greet.sql": compiled,
    "supabase/migrations/2_compile_other_compile_greet.sql": "select 1;",
  });

  const said = await compile(["greet"], { root: project.root, now });

  assertEquals(said, "supabase/migrations/1_compile_greet.sql is up to date");
  assertEquals(Object.keys(await project.migrations()), [
    "1_compile_greet.sql",
    "2_compile_other_compile_greet.sql",
  ]);
});

Deno.test("compile() refuses a second migration for a flow that has changed", async () => {
  await using project = await createProject({
    "flows/greet.ts": greet,
    "supabase/migrations/1_compile_greet.sql": "select 1;",
  });

  const error = await assertRejects<PgflowError>(() => compile(["greet"], { root: project.root }));

  assertEquals([error.code, error.message], [
    "PF003",
    'Cannot compile flow "greet": supabase/migrations/1_compile_greet.sql compiles it otherwise',
  ]);
  assertStringIncludes(error.hint!, "greet_v2");
  assertEquals(await project.migrations(), { "1_compile_greet.sql": "select 1;" });
});

Deno.test("compile() prints SQL or the shape instead when asked to", async () => {
  await using project = await createProject({ "flows/greet.ts": greet });
  const run = (...args: string[]) => compile(["greet", ...args], { root: project.root });

  assertEquals(await run("--stdout"), compiled.trimEnd());
  const { slug, shape } = JSON.parse(await run("--json"));
  assertEquals([slug, shape.steps.map((step: { step_slug: string }) => step.step_slug)], [
    "greet",
    ["a", "b"],
  ]);
  assertEquals(await project.migrations(), {});
});

Deno.test("compile() chooses one of several flows by --flow", async () => {
  const both = `${greet} export const Part = new Flow({ slug: "part" });`;
  await using project = await createProject({ "some folder/#both.ts": both });
  const file = "some folder/#both.ts";

  const said = await compile([file, "--flow", "part", "--stdout"], { root: project.root });
  const error = await assertRejects<PgflowError>(() => compile([file], { root: project.root }));

  assertStringIncludes(said, "create_flow(flow_slug => 'part'");
  assertEquals([error.code, error.message], [
    "PF104",
    'Cannot compile file "some folder/#both.ts": it exports several flows, "greet", "part"',
  ]);
});

const refused: [name: string, args: string[], message: string][] = [
  ["no argument", [], "Cannot compile a flow: it is not said which"],
  ["two files", ["a", "b"], 'Cannot compile a flow: "b" is one argument too many'],
  [
    "two formats",
    ["greet", "--json", "--stdout"],
    "Cannot compile a flow: --stdout and --json exclude each other",
  ],
  ["a missing file", ["nope"], 'Cannot compile flow "nope": there is no file "flows/nope.ts"'],
  ["a folder", ["./flows"], 'Cannot compile flow "./flows": there is no file "flows"'],
  [
    "a file without flows",
    ["flows/empty.ts"],
    'Cannot compile file "flows/empty.ts": it exports no flow',
  ],
  [
    "another flow than the file's",
    ["greet", "--flow", "nope"],
    'Cannot compile flow "nope": file "flows/greet.ts" exports "greet"',
  ],
  [
    "a file that does not load",
    ["broken"],
    'Cannot compile file "flows/broken.ts": it does not load: ' +
    'Cannot add step "a" to flow "broken": it depends on unknown step "b"',
  ],
];

for (const [name, args, message] of refused) {
  Deno.test(`compile() refuses ${name}`, async () => {
    await using project = await createProject({
      "flows/greet.ts": greet,
      "flows/empty.ts": "export const flow = { slug: 'x', steps: [] };",
      "flows/broken.ts":
        `import { Flow } from ${dsl}; new Flow({ slug: "broken" }).step("a", ["b"], () => 1);`,
    });
    const error = await assertRejects<PgflowError>(() => compile(args, { root: project.root }));
    assertEquals([error.message, typeof error.hint], [
      message,
      name === "a file that does not load" ? "undefined" : "string",
    ]);
  });
}

interface Project extends AsyncDisposable {
  root: URL;
  migrations(): Promise<Record<string, string>>;
}

async function createProject(files: Record<string, string>): Promise<Project> {
  const folder = await Deno.makeTempDir();
  for (const [path, text] of Object.entries(files)) {
    await Deno.mkdir(`${folder}/${path.slice(0, path.lastIndexOf("/"))}`, { recursive: true });
    await Deno.writeTextFile(`${folder}/${path}`, text);
  }
  await Deno.mkdir(`${folder}/supabase/migrations`, { recursive: true });
  return {
    root: new URL(`file://${folder}/`),
    async migrations() {
      const found: [string, string][] = [];
      for await (const { name } of Deno.readDir(`${folder}/supabase/migrations`)) {
        found.push([name, await Deno.readTextFile(`${folder}/supabase/migrations/${name}`)]);
      }
      return Object.fromEntries(found.sort(([a], [b]) => a < b ? -1 : 1));
    },
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}
