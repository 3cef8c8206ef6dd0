import { assertEquals } from "@std/assert";
import { serveGateway } from "./served_gateway.ts";

const functions = `
  create type public.pair as (name text, rank int);
  create table public.secrets (secret text);
  revoke all on public.secrets from anon, authenticated;
  create table public.names (name text primary key);
  insert into public.names values ('ann');

  create function public.answer() returns int language sql as 'select 42';
  create function public.nothing() returns text language sql as 'select null';
  create function public.type_of(input jsonb) returns text language sql as 'select jsonb_typeof(input)';
  create function public.same(input jsonb) returns jsonb language sql as 'select input';
  create function public.one_pair() returns public.pair language sql as $$ select 'ann', 1 $$;
  create function public.pairs(n int default 2) returns setof public.pair language sql
    as $$ select 'p' || i, i from generate_series(1, n) i $$;
  create function public.numbers() returns setof int language sql as 'select generate_series(1, 3)';
  create function public.columns_of(out a int, out b text) language sql as $$ select 1, 'x' $$;
  create function public.quiet() returns void language sql as $$ insert into public.names values ('quiet') $$;
  create function public.quiet_stable() returns void language plpgsql stable as $$ begin raise exception 'called'; end $$;
  create function public.whole_body(jsonb) returns jsonb language sql as 'select $1';
  create function public.whoami() returns jsonb language sql as $$
    select jsonb_build_object(
      'user', current_user, 'uid', auth.uid(), 'role', auth.role(),
      'method', current_setting('request.method'), 'path', current_setting('request.path'),
      'header', current_setting('request.headers')::json ->> 'x-test',
      'timeout', current_setting('statement_timeout')
    ) $$;
  create function public.two_ways(a int) returns int language sql as 'select a';
  create function public.two_ways(a text) returns text language sql as 'select a';
  create function public.arguments(n int, list text[], at timestamptz, big numeric) returns jsonb
    language sql as $$ select jsonb_build_object('n', n, 'list', list, 'at', at at time zone 'UTC', 'big', big) $$;
  create function public.fails(state text) returns void language plpgsql as $$
    begin raise exception using errcode = state, message = 'no', detail = 'because', hint = 'try'; end $$;
  create function public.reads_secret() returns setof public.secrets language sql as 'select * from public.secrets';
  create function public.twice() returns void language sql as $$ insert into public.names values ('ann') $$;
  create function public.writes_when_stable() returns void language plpgsql stable as $$
    begin perform public.quiet(); end $$;
  create function public.teapot() returns int language sql as $$
    select set_config('response.status', '418', true);
    select set_config('response.headers', '[{"x-kind": "pot"}]', true);
    select 1 $$;
  create function public.slow() returns void language sql set statement_timeout = '50ms' as 'select pg_sleep(5)';
`;

Deno.test("rpc() gives back every shape of result as PostgREST does", async () => {
  await using stack = await serveGateway(functions);
  const supabase = stack.client(stack.keys.secret);
  const data = async (name: string, args = {}) => {
    const { data, error, status } = await supabase.rpc(name, args);
    return error ?? [status, data];
  };

  assertEquals({
    scalar: await data("answer"),
    null: await data("nothing"),
    jsonb: await data("same", { input: { a: [1, null, "x"] } }),
    composite: await data("one_pair"),
    set: await data("pairs"),
    empty: await data("pairs", { n: 0 }),
    scalars: await data("numbers"),
    out: await data("columns_of"),
    void: await data("quiet"),
    body: await data("whole_body", { any: "thing" }),
  }, {
    scalar: [200, 42],
    null: [200, null],
    jsonb: [200, { a: [1, null, "x"] }],
    composite: [200, { name: "ann", rank: 1 }],
    set: [200, [{ name: "p1", rank: 1 }, { name: "p2", rank: 2 }]],
    empty: [200, []],
    scalars: [200, [1, 2, 3]],
    out: [200, { a: 1, b: "x" }],
    void: [204, null],
    body: [200, { any: "thing" }],
  });
});

Deno.test("rpc() hands jsonb arguments over as they are", async () => {
  await using stack = await serveGateway(functions);
  const supabase = stack.client(stack.keys.secret);
  const values = [{ a: 1 }, [1], "42", "", 42, 0, true, false];

  const types = await Promise.all(
    values.map(async (input) => (await supabase.rpc("type_of", { input })).data),
  );
  const same = await Promise.all(
    values.map(async (input) => (await supabase.rpc("same", { input })).data),
  );

  assertEquals(types, [
    "object",
    "array",
    "string",
    "string",
    "number",
    "number",
    "boolean",
    "boolean",
  ]);
  assertEquals(same, values);
});

Deno.test("rpc() reads arguments as the types of the function", async () => {
  await using stack = await serveGateway(functions);

  const { data } = await stack.client(stack.keys.secret).rpc("arguments", {
    n: "7",
    list: ["a", "b"],
    at: "2026-01-01T00:00:00Z",
    big: "12345678901234567890.5",
  });

  assertEquals(data, {
    n: 7,
    list: ["a", "b"],
    at: "2026-01-01T00:00:00",
    big: 12345678901234567890.5,
  });
});

Deno.test("rpc().single() and .maybeSingle() give one row or say why not", async () => {
  await using stack = await serveGateway(functions);
  const supabase = stack.client(stack.keys.secret);

  const one = await supabase.rpc("pairs", { n: 1 }).single();
  const two = await supabase.rpc("pairs", { n: 2 }).single();
  const none = await supabase.rpc("pairs", { n: 0 }).maybeSingle();

  assertEquals(one.data, { name: "p1", rank: 1 });
  assertEquals([two.status, two.error?.code, two.error?.details], [
    406,
    "PGRST116",
    "The result contains 2 rows",
  ]);
  assertEquals([none.data, none.error], [null, null]);
});

Deno.test("rpc() runs in the role of the key or of the user's token", async () => {
  await using stack = await serveGateway(functions);
  const { keys } = stack;
  const sub = "11111111-1111-4111-8111-111111111111";
  const user = await stack.token({ role: "authenticated", sub });
  const who = async (key: string, token?: string) => {
    const { data, error } = await stack.client(key, token).rpc("whoami");
    return error ?? [data.user, data.uid, data.role, data.timeout];
  };

  assertEquals({
    publishable: await who(keys.publishable),
    anon: await who(keys.anon),
    secret: await who(keys.secret),
    serviceRole: await who(keys.serviceRole),
    user: await who(keys.publishable, user),
  }, {
    publishable: ["anon", null, "anon", "3s"],
    anon: ["anon", null, "anon", "3s"],
    secret: ["service_role", null, "service_role", "8s"],
    serviceRole: ["service_role", null, "service_role", "8s"],
    user: ["authenticated", sub, "authenticated", "8s"],
  });
});

Deno.test("rpc() tells the function about the request, and answers as the function wants", async () => {
  await using stack = await serveGateway(functions);
  const headers = {
    apikey: stack.keys.secret,
    "X-Test": "yes",
    "content-type": "application/json",
  };
  const call = (name: string, init: RequestInit) =>
    fetch(`${stack.gateway.url}/rest/v1/rpc/${name}`, { headers, ...init });

  const { method, path, header } = await (await call("whoami", { method: "POST" })).json();
  assertEquals([method, path, header], ["POST", "/rpc/whoami", "yes"]);

  const teapot = await call("teapot", { method: "POST", body: "{}" });
  assertEquals([teapot.status, teapot.headers.get("x-kind"), await teapot.json()], [418, "pot", 1]);
});

Deno.test("rpc() by GET takes arguments from the query and cannot write", async () => {
  await using stack = await serveGateway(functions);
  const supabase = stack.client(stack.keys.secret);

  assertEquals((await supabase.rpc("pairs", { n: 1 }, { get: true })).data, [{
    name: "p1",
    rank: 1,
  }]);
  const write = await supabase.rpc("quiet", {}, { get: true });
  assertEquals([write.status, write.error?.code], [405, "25006"]);
  const head = await supabase.rpc("answer", {}, { head: true });
  assertEquals([head.status, head.data], [200, null]);
});

Deno.test("rpc() names what it cannot find", async () => {
  await using stack = await serveGateway(functions);
  const supabase = stack.client(stack.keys.secret);

  const unknown = await supabase.rpc("nowhere", { b: 1, a: 2 });
  const wrongArgument = await supabase.rpc("pairs", { n: 1, m: 2 });
  const missingArgument = await supabase.rpc("same");
  const otherSchema = await supabase.schema("pgflow").rpc("start_flow", {});
  const ambiguous = await supabase.rpc("two_ways", { a: 1 });

  assertEquals([unknown.status, unknown.error], [404, {
    code: "PGRST202",
    message: "Could not find the function public.nowhere(b, a) in the schema cache",
    details: "Searched for the function public.nowhere with parameters b, a or with a single " +
      "unnamed json/jsonb parameter, but no matches were found in the schema cache.",
    hint: null,
  }] as unknown);
  assertEquals(
    [wrongArgument, missingArgument, otherSchema, ambiguous].map(({ status, error }) => [
      status,
      error?.code,
      error?.hint,
    ]),
    [
      [404, "PGRST202", "Perhaps you meant to call the function public.pairs(n => integer)"],
      [404, "PGRST202", "Perhaps you meant to call the function public.same(input => jsonb)"],
      [406, "PGRST106", "Only the following schemas are exposed: public"],
      [
        300,
        "PGRST203",
        "Try renaming the parameters or the function itself in the database so function " +
        "overloading can be resolved",
      ],
    ],
  );
});

Deno.test("rpc() answers errors of the database with PostgREST's status and shape", async () => {
  await using stack = await serveGateway(functions);
  const server = stack.client(stack.keys.secret);
  const browser = stack.client(stack.keys.publishable);
  const user = stack.client(
    stack.keys.publishable,
    await stack.token({ role: "authenticated", sub: crypto.randomUUID() }),
  );

  const raised = await server.rpc("fails", { state: "P0001" });
  assertEquals([raised.status, raised.error], [400, {
    code: "P0001",
    message: "no",
    details: "because",
    hint: "try",
  }] as unknown);

  const statuses: Record<string, unknown> = {};
  for (const state of ["PT418", "PF001", "23505", "40001", "53300", "57014", "XX000", "22P02"]) {
    statuses[state] = (await server.rpc("fails", { state })).status;
  }
  assertEquals(statuses, {
    PT418: 418,
    PF001: 400,
    "23505": 409,
    "40001": 500,
    "53300": 503,
    "57014": 500,
    XX000: 500,
    "22P02": 400,
  });

  const picture = async (call: PromiseLike<{ status: number; error: { code: string } | null }>) => {
    const { status, error } = await call;
    return [status, error?.code];
  };
  assertEquals({
    anon: await picture(browser.rpc("reads_secret")),
    user: await picture(user.rpc("reads_secret")),
    duplicate: await picture(server.rpc("twice")),
    stable: await picture(server.rpc("writes_when_stable")),
    stableVoid: await picture(server.rpc("quiet_stable")),
    slow: await picture(server.rpc("slow")),
    badArgument: await picture(server.rpc("pairs", { n: "many" })),
  }, {
    anon: [401, "42501"],
    user: [403, "42501"],
    duplicate: [409, "23505"],
    stable: [405, "25006"],
    stableVoid: [400, "P0001"],
    slow: [500, "57014"],
    badArgument: [400, "22P02"],
  });
});
