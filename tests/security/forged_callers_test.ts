import { assert, assertEquals } from "@std/assert";
import { SignJWT } from "jose";
import { signToken } from "../../lib/local/keys.ts";
import { type ServedGateway, serveGateway } from "../local/served_gateway.ts";
import { OTHER, OWNER } from "./callers.ts";
import { flows } from "./operations.ts";

/** Who a caller claims to be: the headers of the request. */
type Claim = (stack: ServedGateway) => Promise<Record<string, string>> | Record<string, string>;

const token = (stack: ServedGateway, jwt: string) => ({
  apikey: stack.keys.publishable,
  authorization: `Bearer ${jwt}`,
});
const encode = (value: unknown) =>
  btoa(JSON.stringify(value)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const signed = (stack: ServedGateway, issued: string, expires: string) =>
  new SignJWT({ role: "authenticated", sub: OWNER })
    .setProtectedHeader({ alg: "HS256" })
    .setIssuedAt(new Date(issued))
    .setExpirationTime(new Date(expires))
    .sign(new TextEncoder().encode(stack.keys.jwtSecret));

const forged: Record<string, [claim: Claim, status: number]> = {
  "no key": [() => ({}), 401],
  "a key of another project": [() => ({ apikey: "sb_secret_of_somebody_else" }), 401],
  "the name of a role as the key": [() => ({ apikey: "service_role" }), 401],
  "a user's token and no key": [
    async (stack) => ({
      authorization: `Bearer ${await stack.token({ role: "authenticated", sub: OWNER })}`,
    }),
    401,
  ],
  "a token with another signature": [
    async (stack) =>
      token(stack, await signToken("another secret of 32 characters.", { role: "service_role" })),
    401,
  ],
  "a token without a signature": [
    (stack) =>
      token(
        stack,
        `${encode({ alg: "none", typ: "JWT" })}.${encode({ role: "service_role", sub: OWNER })}.`,
      ),
    401,
  ],
  "another user's token with the claims exchanged": [
    async (stack) => {
      const [header, , signature] = (await stack.token({ role: "authenticated", sub: OTHER }))
        .split(".");
      return token(
        stack,
        `${header}.${encode({ role: "authenticated", sub: OWNER })}.${signature}`,
      );
    },
    401,
  ],
  "a token whose time is over": [
    async (stack) =>
      token(stack, await signed(stack, "2020-01-01T00:00:00Z", "2020-01-01T01:00:00Z")),
    401,
  ],
  "a token of the owner of the database": [
    async (stack) => token(stack, await stack.token({ role: "postgres", sub: OWNER })),
    403,
  ],
  "a token of a superuser": [
    async (stack) => token(stack, await stack.token({ role: "supabase_admin", sub: OWNER })),
    403,
  ],
  "a token without a role": [
    async (stack) => token(stack, await stack.token({ sub: OWNER })),
    401,
  ],
  "claims as headers": [
    (stack) => ({
      apikey: stack.keys.publishable,
      role: "service_role",
      "request.jwt.claims": JSON.stringify({ role: "service_role", sub: OWNER }),
      "x-forwarded-user": OWNER,
    }),
    401,
  ],
};

Deno.test("whoever is not who they claim to be learns nothing of a run", async (test) => {
  await using stack = await serveGateway(flows);
  const [run] = await stack.database.sql`
    select public.start_flow('expense', '"salary-90000"', owner => ${OWNER}) ->> 'run_id' as id
  `;
  for (const [what, [claim, status]] of Object.entries(forged)) {
    await test.step(what, async () => {
      const answer = await call(stack, "get_run", { run_id: run!.id }, await claim(stack));

      assertEquals(answer.status, status, answer.text);
      assert(!answer.text.includes("salary-90000"), answer.text);
    });
  }
  const owner = token(stack, await stack.token({ role: "authenticated", sub: OWNER }));
  assertEquals((await call(stack, "get_run", { run_id: run!.id }, owner)).status, 200);
});

Deno.test("what users write into their own metadata makes nobody of them", async () => {
  await using stack = await serveGateway(flows);
  const [run] = await stack.database.sql`
    select public.start_flow('expense', '{}', owner => ${OWNER}) ->> 'run_id' as id
  `;
  const claims = {
    role: "authenticated",
    sub: OTHER,
    owner: OWNER,
    user_role: "service_role",
    user_metadata: { sub: OWNER, role: "manager", roles: ["manager"] },
    app_metadata: { user: { role: "manager" }, roles: "manager", provider: "manager" },
  };
  const headers = token(stack, await stack.token(claims));

  const answers = [
    await call(stack, "get_run", { run_id: run!.id }, headers),
    await call(stack, "complete_step", { run_id: run!.id, step_slug: "by_role" }, headers),
    await call(stack, "list_approvals", {}, headers),
  ];

  assertEquals(answers.map(({ text }) => JSON.parse(text).code ?? text), ["PF005", "PF005", "[]"]);
});

Deno.test("the functions behind the API cannot be reached through it", async () => {
  await using stack = await serveGateway(flows);
  const owner = token(stack, await stack.token({ role: "authenticated", sub: OWNER }));
  const calls = [
    await call(stack, "api_get_run", { run_id: OWNER }, { ...owner, "content-profile": "pgflow" }),
    await call(stack, "pgflow.api_get_run", { run_id: OWNER }, owner),
    await call(stack, "api_get_run", { run_id: OWNER }, owner),
    await call(stack, "_caller", {}, { ...owner, "content-profile": "pgflow" }),
    await call(stack, "send", { queue_name: "members", msg: {} }, {
      ...owner,
      "content-profile": "pgmq",
    }),
  ];

  assertEquals(calls.map(({ status, text }) => [status, JSON.parse(text).code]), [
    [406, "PGRST106"],
    [404, "PGRST202"],
    [404, "PGRST202"],
    [406, "PGRST106"],
    [406, "PGRST106"],
  ]);
});

async function call(
  stack: ServedGateway,
  name: string,
  args: Record<string, unknown>,
  headers: Record<string, string>,
): Promise<{ status: number; text: string }> {
  const response = await fetch(`${stack.gateway.url}/rest/v1/rpc/${name}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(args),
  });
  return { status: response.status, text: await response.text() };
}
