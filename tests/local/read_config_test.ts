import { assertEquals, assertThrows } from "@std/assert";
import { PgflowError } from "../../lib/errors.ts";
import { readConfig } from "../../lib/local/read_config.ts";

async function projectWith(files: Record<string, string>): Promise<URL & AsyncDisposable> {
  const path = await Deno.makeTempDir();
  for (const [name, text] of Object.entries(files)) {
    await Deno.mkdir(`${path}/${name}`.replace(/[^/]*$/, ""), { recursive: true });
    await Deno.writeTextFile(`${path}/${name}`, text);
  }
  return Object.assign(new URL(`file://${path}/`), {
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  });
}

Deno.test("readConfig() finds functions in supabase/config.toml and in functions/", async () => {
  await using root = await projectWith({
    "functions/plain/index.ts": "",
    "functions/named/index.ts": "",
    "functions/off/index.ts": "",
    "functions/_shared/index.ts": "",
    "functions/empty/other.ts": "",
    "supabase/config.toml": `
      [api]
      schemas = ["public", "api"]
      [functions.named]
      entrypoint = "../functions/named/index.ts"
      verify_jwt = false
      env = { KIND = "named" }
      [functions.usual]
      [functions.off]
      enabled = false
    `,
  });

  assertEquals(readConfig(root), {
    schemas: ["public", "api"],
    functions: [
      {
        name: "named",
        entrypoint: new URL("functions/named/index.ts", root).href,
        verifyJwt: false,
        env: { KIND: "named" },
      },
      {
        name: "plain",
        entrypoint: new URL("functions/plain/index.ts", root).href,
        verifyJwt: true,
      },
      {
        name: "usual",
        entrypoint: new URL("supabase/functions/usual/index.ts", root).href,
        verifyJwt: true,
        env: {},
      },
    ],
  });
});

Deno.test("readConfig() takes an empty project for what it is", async () => {
  await using root = await projectWith({});

  assertEquals(readConfig(root), { schemas: ["public"], functions: [] });
});

Deno.test("readConfig() says what is wrong with supabase/config.toml", async () => {
  await using root = await projectWith({ "supabase/config.toml": "[api\nschemas = 1" });

  assertThrows(() => readConfig(root), PgflowError, 'Cannot read "supabase/config.toml"');
});
