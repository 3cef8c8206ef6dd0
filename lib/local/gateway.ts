import postgres from "postgres";
import { PgflowError } from "../errors.ts";
import { bearerToken, callerOf } from "./authenticate.ts";
import type { FunctionsHost } from "./functions_host.ts";
import type { ProjectKeys } from "./keys.ts";
import { Realtime } from "./realtime.ts";
import { RestError } from "./rest_error.ts";
import { restRpc } from "./rest_rpc.ts";

/** What {@linkcode startGateway} serves, and where. */
export interface GatewayOptions {
  /** The connection string of the API's login, authenticator. */
  databaseUrl: string;
  keys: ProjectKeys;
  host: FunctionsHost;
  /**
   * The connection string of Realtime's login, a superuser.
   * @default {none: there is no Realtime}
   */
  realtimeUrl?: string;
  /**
   * The functions that may be called only with a valid token or project key.
   * @default {[]}
   */
  guardedFunctions?: string[];
  /**
   * The schemas that the API shows.
   * @default {["public"]}
   */
  schemas?: string[];
  /**
   * The port on 127.0.0.1; 0 takes a free one.
   * @default {0}
   */
  port?: number;
  /**
   * Further answers, by path.
   * @default {{}}
   */
  routes?: Record<string, (request: Request) => Response | Promise<Response>>;
}

/** The one address of a project: its functions and its API. */
export interface Gateway extends AsyncDisposable {
  url: string;
  stop(): Promise<void>;
}

const CORS = {
  "access-control-allow-origin": "*",
  "access-control-allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
  "access-control-max-age": "3600",
};

/**
 * Serves `/functions/v1/<name>`, `/rest/v1/rpc/<name>`, `/realtime/v1/websocket` and `/health` on
 * one port.
 */
export function startGateway(options: GatewayOptions): Gateway {
  const sql = postgres(options.databaseUrl, { max: 10, idle_timeout: 20, onnotice: () => {} });
  const { realtimeUrl, keys } = options;
  const realtime = realtimeUrl ? new Realtime({ databaseUrl: realtimeUrl, keys }) : undefined;
  const server = listen(options.port ?? 0, (request, info) => {
    // The request's own signal would also abort when all is well.
    const gone = new AbortController();
    info.completed.catch(() => gone.abort());
    return respond(request, gone.signal, { sql, realtime }, options);
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    async stop() {
      await realtime?.[Symbol.asyncDispose]();
      await Promise.all([server.shutdown(), sql.end({ timeout: 1 })]);
    },
    [Symbol.asyncDispose]() {
      return this.stop();
    },
  };
}

function listen(port: number, handler: Deno.ServeHandler): Deno.HttpServer<Deno.NetAddr> {
  try {
    return Deno.serve({ hostname: "127.0.0.1", port, onListen: () => {} }, handler);
  } catch (cause) {
    throw new PgflowError(`Cannot listen on port "${port}": ${(cause as Error).message}`, {
      hint: "Stop the program that uses it, or choose another port; 0 takes a free one",
      cause,
    });
  }
}

async function respond(
  request: Request,
  signal: AbortSignal,
  { sql, realtime }: { sql: postgres.Sql; realtime: Realtime | undefined },
  options: GatewayOptions,
): Promise<Response> {
  const { pathname, search } = new URL(request.url);
  const [, service, version, ...rest] = pathname.split("/");
  if (service === "functions" && version === "v1" && rest[0]) {
    const refusal = await refuse(request, rest[0], options);
    const path = `/${rest.join("/")}${search}`;
    return refusal ?? await options.host.fetch(rest[0], request, { path, signal });
  }
  if (service === "rest" && version === "v1") {
    return withCors(request, await respondRest(request, sql, rest, options));
  }
  if (pathname === "/realtime/v1/websocket" && realtime) return await realtime.connect(request);
  if (pathname === "/health") return await health(sql);
  return await options.routes?.[pathname]?.(request) ??
    Response.json({ message: "no Route matched with those values" }, { status: 404 });
}

/** Answers a request to a guarded function that brings neither a token nor a key. */
async function refuse(
  request: Request,
  name: string,
  { guardedFunctions = [], keys }: GatewayOptions,
): Promise<Response | undefined> {
  if (request.method === "OPTIONS" || !guardedFunctions.includes(name)) return undefined;
  try {
    const token = bearerToken(request) ?? request.headers.get("apikey");
    if (!token) throw new RestError(401, { code: "401", message: "Missing authorization header" });
    await callerOf(token, keys);
  } catch (error) {
    return Response.json({ code: 401, message: (error as Error).message }, { status: 401 });
  }
}

async function respondRest(
  request: Request,
  sql: postgres.Sql,
  path: string[],
  { keys, schemas = ["public"] }: GatewayOptions,
): Promise<Response> {
  if (request.method === "OPTIONS") return new Response(null, { status: 200 });
  const [kind, name] = path;
  if (kind === "rpc" && name && path.length === 2) {
    return await restRpc(request, decode(name), { sql, keys, schemas });
  }
  return new RestError(404, {
    code: "PGRST125",
    message: `Cannot serve "/rest/v1/${path.join("/")}": the local gateway serves functions only`,
    hint: "Use supabase.rpc(), or supabase start for tables and views",
  }).toResponse();
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function withCors(request: Request, response: Response): Response {
  const asked = request.headers.get("access-control-request-headers");
  for (const [name, value] of Object.entries(CORS)) response.headers.set(name, value);
  if (asked !== null) response.headers.set("access-control-allow-headers", asked);
  return response;
}

async function health(sql: postgres.Sql): Promise<Response> {
  try {
    await sql`select`;
    return Response.json({ status: "ok", database: "ok" });
  } catch (error) {
    const database = (error as Error).message;
    return Response.json({ status: "unavailable", database }, { status: 503 });
  }
}
