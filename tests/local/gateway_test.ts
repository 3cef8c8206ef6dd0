import { assertEquals } from "@std/assert";
import { PgflowError } from "../../lib/errors.ts";
import { startGateway } from "../../lib/local/gateway.ts";
import { serveGateway } from "./served_gateway.ts";

async function pictureOf(response: Response): Promise<[number, unknown]> {
  return [response.status, (await response.json()).message];
}

Deno.test("the gateway refuses requests without a key of its project", async () => {
  await using stack = await serveGateway("create function public.answer() returns int return 42");
  const { keys } = stack;
  const call = async (headers: Record<string, string>) =>
    await pictureOf(
      await fetch(`${stack.gateway.url}/rest/v1/rpc/answer`, { method: "POST", headers }),
    );
  const expired = await stack.token({ role: "authenticated" });
  const forged = expired.replace(/.{4}$/, "AAAA");

  assertEquals({
    none: await call({}),
    wrong: await call({ apikey: keys.secret.replace(/.$/, "!") }),
    tokenAlone: await call({ authorization: `Bearer ${keys.serviceRole}` }),
    forged: await call({ apikey: keys.publishable, authorization: `Bearer ${forged}` }),
    otherRole: await call({
      apikey: keys.publishable,
      authorization: `Bearer ${await stack.token({ role: "postgres" })}`,
    }),
  }, {
    none: [401, "No API key found in request"],
    wrong: [401, "Invalid API key"],
    tokenAlone: [401, "No API key found in request"],
    forged: [401, "JWT cannot be verified with the key of this project"],
    otherRole: [403, 'permission denied to set role "postgres"'],
  });
});

Deno.test("the gateway says what is wrong with a malformed request", async () => {
  await using stack = await serveGateway("create function public.answer() returns int return 42");
  const call = async (init: RequestInit, path = "/rest/v1/rpc/answer") => {
    const type = { "content-type": "application/json" };
    const headers = { apikey: stack.keys.secret, ...type, ...init.headers };
    return await pictureOf(await fetch(`${stack.gateway.url}${path}`, { ...init, headers }));
  };

  assertEquals({
    body: await call({ method: "POST", body: '{"a":' }),
    type: await call({ method: "POST", body: "a", headers: { "content-type": "text/csv" } }),
    method: await call({ method: "DELETE" }),
    filter: await call({ method: "POST", body: "{}" }, "/rest/v1/rpc/answer?select=a"),
    table: await call({}, "/rest/v1/names?select=*"),
    encoding: await call({ method: "POST", body: "{}" }, "/rest/v1/rpc/%E0%A4%A"),
    path: await call({}, "/nowhere"),
  }, {
    body: [400, "Empty or invalid json"],
    type: [415, "Content-Type not acceptable: text/csv"],
    method: [405, "Cannot use the DELETE method on RPC"],
    filter: [
      400,
      'Cannot apply "select" to the result of a function: the local gateway returns results whole',
    ],
    table: [404, 'Cannot serve "/rest/v1/names": the local gateway serves functions only'],
    encoding: [
      404,
      "Could not find the function public.%E0%A4%A without parameters in the schema cache",
    ],
    path: [404, "no Route matched with those values"],
  });
});

Deno.test("the gateway passes requests to functions, the guarded ones with a key only", async () => {
  await using stack = await serveGateway();
  const url = `${stack.gateway.url}/functions/v1`;

  const open = await (await fetch(`${url}/echo/a/b?c=d`, { method: "PUT", body: "x" })).json();
  assertEquals([open.method, open.path, open.body], ["PUT", "/echo/a/b", "x"]);

  const { data } = await stack.client(stack.keys.publishable).functions.invoke("echo", {
    body: { a: 1 },
  });
  assertEquals(JSON.parse(data.body), { a: 1 });

  const statuses = async (headers: Record<string, string>) => {
    const response = await fetch(`${url}/exported`, { headers });
    await response.body?.cancel();
    return response.status;
  };
  assertEquals({
    none: await statuses({}),
    wrong: await statuses({ authorization: "Bearer nonsense" }),
    key: await statuses({ apikey: stack.keys.publishable }),
    token: await statuses({ authorization: `Bearer ${stack.keys.anon}` }),
  }, { none: 401, wrong: 401, key: 200, token: 200 });
});

Deno.test("the gateway answers a browser's questions before a call", async () => {
  await using stack = await serveGateway();

  const response = await fetch(`${stack.gateway.url}/rest/v1/rpc/answer`, {
    method: "OPTIONS",
    headers: { "access-control-request-headers": "apikey, content-profile", origin: "http://a" },
  });

  assertEquals([
    response.status,
    Object.fromEntries(response.headers)["access-control-allow-origin"],
  ], [
    200,
    "*",
  ]);
  assertEquals(response.headers.get("access-control-allow-headers"), "apikey, content-profile");
});

Deno.test("the gateway tells its health, also without a database", async () => {
  await using stack = await serveGateway();
  await using lonely = startGateway({
    databaseUrl: "postgresql://nobody:nothing@127.0.0.1:1/none",
    keys: stack.keys,
    host: stack.functions.host,
  });

  const healthy = await fetch(`${stack.gateway.url}/health`);
  assertEquals([healthy.status, await healthy.json()], [200, { status: "ok", database: "ok" }]);

  const headers = { apikey: stack.keys.secret };
  const call = await fetch(`${lonely.url}/rest/v1/rpc/answer`, { method: "POST", headers });
  assertEquals([call.status, (await call.json()).code], [503, "PGRST001"]);
  const ill = await fetch(`${lonely.url}/health`);
  assertEquals([ill.status, (await ill.json()).status], [503, "unavailable"]);
});

Deno.test("startGateway() names a port that is taken, and the remedy", async () => {
  await using stack = await serveGateway();
  const port = Number(new URL(stack.gateway.url).port);

  let error: unknown;
  try {
    await startGateway({
      databaseUrl: "postgresql://127.0.0.1:1",
      keys: stack.keys,
      host: stack.functions.host,
      port,
    }).stop();
  } catch (thrown) {
    error = thrown;
  }

  const { message, hint } = error as PgflowError;
  assertEquals([message.split(":")[0], hint], [
    `Cannot listen on port "${port}"`,
    "Stop the program that uses it, or choose another port; 0 takes a free one",
  ]);
});
