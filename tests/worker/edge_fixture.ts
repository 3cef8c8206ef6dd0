import type { WorkerFixture } from "./worker_fixture.ts";

/** Keys that an edge function's environment has. */
export const SECRET = "sb_secret_one";
/** The legacy one. */
export const SERVICE_ROLE = "eyJ.service.role";

/** The environment and global of an edge function, until disposed. */
export function edge(it: Pick<WorkerFixture, "url">, env: Record<string, string | undefined> = {}) {
  const variables: Record<string, string | undefined> = {
    SUPABASE_DB_URL: it.url,
    SUPABASE_SECRET_KEYS: JSON.stringify({ default: SECRET, other: "sb_secret_two" }),
    SUPABASE_SERVICE_ROLE_KEY: SERVICE_ROLE,
    SUPABASE_FUNCTION_SLUG: "greeter",
    PGFLOW_DB_URL: undefined,
    ...env,
  };
  const before = Object.keys(variables).map((name) => [name, Deno.env.get(name)] as const);
  setAll(Object.entries(variables));
  const background: Promise<unknown>[] = [];
  const global = globalThis as { EdgeRuntime?: unknown };
  global.EdgeRuntime = { waitUntil: (promise: Promise<unknown>) => background.push(promise) };
  return {
    background,
    [Symbol.dispose]() {
      setAll(before);
      delete global.EdgeRuntime;
    },
  };
}

function setAll(variables: Iterable<readonly [string, string | undefined]>): void {
  for (const [name, value] of variables) {
    if (value === undefined) Deno.env.delete(name);
    else Deno.env.set(name, value);
  }
}

/** A request to start a worker. */
export function post(headers: Record<string, string>, body?: string): Request {
  const init = { method: "POST", headers, ...(body === undefined ? {} : { body }) };
  return new Request("http://localhost/functions/v1/greeter", init);
}

/** Announces the isolate's end. */
export function unload(reason: string): void {
  dispatchEvent(new CustomEvent("beforeunload", { detail: { reason } }));
}

/** An answer's status and body. */
export async function read(response: Response): Promise<[number, Record<string, unknown>]> {
  return [response.status, await response.json()];
}
