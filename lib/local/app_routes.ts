import { fileURLToPath } from "node:url";
import type { GatewayOptions } from "./gateway.ts";
import { type ProjectKeys, signToken } from "./keys.ts";

const decoder = new TextDecoder();

/** Who is signed in on the page: there is no Auth server here to ask for a password. */
const user = {
  sub: "00000000-0000-4000-8000-000000000001",
  role: "authenticated",
  email: "you@example.com",
  app_metadata: { role: "editor" },
};

/**
 * Serves the page in a folder under `/app`: its HTML and style as they are, and `main.ts` as one
 * script, bundled for each request, so that a reload shows what the files say.
 *
 * `/app/session` gives it the publishable key and the token of a user who exists here only.
 */
export function appRoutes(
  folder: URL,
  config: URL,
  keys: ProjectKeys,
): NonNullable<GatewayOptions["routes"]> {
  const file = (name: string, type: string) => async () =>
    respond(await Deno.readTextFile(new URL(name, folder)), type);
  return {
    "/app": file("index.html", "text/html"),
    "/app/style.css": file("style.css", "text/css"),
    "/app/main.js": async () =>
      respond(await bundle(new URL("main.ts", folder), config), "text/javascript"),
    "/app/session": async () =>
      Response.json({ key: keys.publishable, token: await signToken(keys.jwtSecret, user) }),
  };
}

function respond(text: string, type: string): Response {
  const headers = { "content-type": `${type}; charset=utf-8`, "cache-control": "no-store" };
  return new Response(text, { headers });
}

/** Returns a script for browsers, or one that says on the page why there is none. */
async function bundle(entry: URL, config: URL): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "bundle",
      "--quiet",
      "--no-lock",
      "--platform",
      "browser",
      "--config",
      fileURLToPath(config),
      fileURLToPath(entry),
    ],
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  if (success) return decoder.decode(stdout);
  const problem = JSON.stringify(`Cannot bundle the page: ${decoder.decode(stderr)}`);
  return `const place = document.querySelector("#problem");
place.hidden = false;
place.textContent = ${problem};`;
}
