import type postgres from "postgres";
import { authenticate } from "./authenticate.ts";
import type { ProjectKeys } from "./keys.ts";
import { RestError } from "./rest_error.ts";
import { callRpc, type RpcResult } from "./rpc_call.ts";
import { findRpcFunction, takesBody } from "./rpc_function.ts";
import { sqlError } from "./sql_error.ts";

/** What {@linkcode restRpc} answers with. */
export interface RestRpcOptions {
  /** Connected as authenticator. */
  sql: postgres.Sql;
  keys: ProjectKeys;
  /** The schemas that the API shows; the first is the default. */
  schemas: string[];
}

const SINGLE_OBJECT = "application/vnd.pgrst.object+json";

/** Answers a request to `/rest/v1/rpc/<name>` in PostgREST's manner. */
export async function restRpc(
  request: Request,
  name: string,
  { sql, keys, schemas }: RestRpcOptions,
): Promise<Response> {
  let role = "anon";
  try {
    const caller = await authenticate(request, keys);
    role = caller.role;
    const isReadOnly = request.method === "GET" || request.method === "HEAD";
    const schema = chosenSchema(request, schemas, isReadOnly);
    const body = isReadOnly ? queryArguments(request) : await bodyArguments(request);
    const argumentNames = isObject(body.value) ? Object.keys(body.value) : [];
    const definition = await findRpcFunction(sql, schema, name, argumentNames);
    const result = await callRpc(sql, {
      definition,
      caller,
      argumentNames,
      body: takesBody(definition) || isObject(body.value) ? body.text : "{}",
      isReadOnly,
      settings: requestSettings(request),
    });
    return answer(request, result, definition.returnsSet);
  } catch (error) {
    return sqlError(error, role).toResponse();
  }
}

function chosenSchema(request: Request, schemas: string[], isReadOnly: boolean): string {
  const asked = request.headers.get(isReadOnly ? "accept-profile" : "content-profile");
  if (asked === null) return schemas[0]!;
  if (schemas.includes(asked)) return asked;
  throw new RestError(406, {
    code: "PGRST106",
    message: `Invalid schema: ${asked}`,
    hint: `Only the following schemas are exposed: ${schemas.join(", ")}`,
  });
}

async function bodyArguments(request: Request): Promise<{ text: string; value: unknown }> {
  if (request.method !== "POST") {
    throw new RestError(405, {
      code: "PGRST101",
      message: `Cannot use the ${request.method} method on RPC`,
    });
  }
  const unknown = [...new URL(request.url).searchParams.keys()].filter((name) => name !== "apikey");
  if (unknown.length > 0) {
    throw new RestError(400, {
      code: "PGRST100",
      message: `Cannot apply "${unknown[0]}" to the result of a function: the local gateway ` +
        "returns results whole",
      hint: "Leave out filters, or try them against supabase start",
    });
  }
  const type = request.headers.get("content-type") ?? "application/json";
  if (!/^application\/(vnd\.pgrst\.object\+)?json\b/.test(type)) {
    throw new RestError(415, { code: "PGRST102", message: `Content-Type not acceptable: ${type}` });
  }
  const text = await request.text();
  if (text.trim() === "") return { text: "{}", value: {} };
  try {
    return { text, value: JSON.parse(text) };
  } catch {
    throw new RestError(400, { code: "PGRST102", message: "Empty or invalid json" });
  }
}

function queryArguments(request: Request): { text: string; value: unknown } {
  const { searchParams } = new URL(request.url);
  searchParams.delete("apikey");
  const value = Object.fromEntries(searchParams);
  return { text: JSON.stringify(value), value };
}

function requestSettings(request: Request): Record<string, string> {
  return {
    "request.method": request.method,
    "request.path": new URL(request.url).pathname.replace(/^\/rest\/v1/, ""),
    "request.headers": JSON.stringify(Object.fromEntries(request.headers)),
    "response.status": "",
    "response.headers": "",
  };
}

function answer(request: Request, result: RpcResult, isSet: boolean): Response {
  const headers = new Headers();
  for (const header of JSON.parse(result.headers ?? "[]") as Record<string, string>[]) {
    for (const [name, value] of Object.entries(header)) headers.append(name, value);
  }
  const status = Number(result.status ?? (result.json === undefined ? 204 : 200));
  if (result.json === undefined) return new Response(null, { status, headers });
  const wantsObject = request.headers.get("accept")?.includes(SINGLE_OBJECT) ?? false;
  const type = wantsObject ? SINGLE_OBJECT : "application/json";
  if (!headers.has("content-type")) headers.set("content-type", `${type}; charset=utf-8`);
  const json = wantsObject && isSet ? onlyRow(result) : result.json;
  return new Response(request.method === "HEAD" ? null : json, { status, headers });
}

function onlyRow({ json, count }: RpcResult): string {
  if (count === 1) return json!.trim().slice(1, -1);
  throw new RestError(406, {
    code: "PGRST116",
    message: "Cannot coerce the result to a single JSON object",
    details: `The result contains ${count} rows`,
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
