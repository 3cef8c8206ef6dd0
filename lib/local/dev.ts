/**
 * `deno task dev`: keeps a stack running, prints where it is and with which keys, and meets changed
 * files of functions, flows and lib with new isolates.
 *
 * @module
 */
import { runProgram } from "./run_program.ts";
import { type Stack, startStack } from "./stack.ts";
import { wakeWorker } from "./wake_worker.ts";
import { watchFunctions } from "./watch_functions.ts";

const root = new URL("../../", import.meta.url);

await runProgram(async (signal) => {
  await using stack = await startStack({
    port: Number(Deno.env.get("PGFLOW_PORT") ?? usualPort()),
    // Its data end with it, so that a step may be added without another slug.
    env: {
      PGFLOW_ALLOW_SHAPE_REPLACEMENT: Deno.env.get("PGFLOW_ALLOW_SHAPE_REPLACEMENT") ?? "true",
    },
    app: new URL("app/", root),
    onLog: ({ name, text }) => console.log(`[${name}] ${text}`),
  });
  const names = stack.functions.map(({ name }) => name);
  const wake = (names: string[]) =>
    Promise.all(workersAmong(stack, names).map((name) => startWorker(stack, name, signal)));
  const watching = watchFunctions({
    root,
    names,
    signal,
    onChange: async (changed) => {
      console.log(`Reloading ${changed.join(", ")}`);
      await Promise.all(changed.map((name) => stack.host.reload(name)));
      console.log(`Reloaded ${changed.join(", ")}`);
      await wake(changed);
    },
  });
  console.log(summaryOf(stack));
  await wake(names);
  await watching;
  console.log("Stopping …");
});

/** The port of a local Supabase, or a free one beside it. */
function usualPort(): number {
  const port = 54321;
  try {
    Deno.listen({ hostname: "127.0.0.1", port }).close();
    return port;
  } catch {
    return 0;
  }
}

function summaryOf({ url, databaseUrl, keys, functions }: Stack): string {
  const names = functions.map(({ name }) => `\n                   ${url}/functions/v1/${name}`);
  return [
    `Page               ${url}/app`,
    `API URL            ${url}`,
    `Database URL       ${databaseUrl}`,
    `Publishable key    ${keys.publishable}`,
    `Secret key         ${keys.secret}`,
    `anon key           ${keys.anon}`,
    `service_role key   ${keys.serviceRole}`,
    `Functions${names.join("") || "          none yet: write functions/<name>/index.ts"}`,
    "Ctrl-C stops everything and removes the data",
  ].join("\n");
}

/** Other functions may do anything when called, so only those that serve a flow are. */
function workersAmong({ functions }: Stack, names: string[]): string[] {
  return functions
    .filter(({ name }) => names.includes(name))
    .filter(({ entrypoint }) => /\bflowWorker\(/.test(Deno.readTextFileSync(new URL(entrypoint))))
    .map(({ name }) => name);
}

/** Makes the function's flow known to the database; it can be started from then on. */
async function startWorker(stack: Stack, name: string, signal: AbortSignal): Promise<void> {
  try {
    await wakeWorker(stack, name, signal);
  } catch (error) {
    if (!signal.aborted) console.error(`[${name}] ${(error as Error).message}`);
  }
}
