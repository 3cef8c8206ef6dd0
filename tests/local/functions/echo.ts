const known = ["SUPABASE_URL", "SUPABASE_FUNCTION_SLUG", "OWN", "GREETING", "PGFLOW_ISOLATE"];
const isolate = crypto.randomUUID();

Deno.serve({ hostname: "0.0.0.0", port: 1 }, async (request) => {
  return Response.json({
    isolate,
    method: request.method,
    path: new URL(request.url).pathname,
    header: request.headers.get("x-test"),
    body: await request.text(),
    env: Object.fromEntries(known.map((name) => [name, Deno.env.get(name) ?? null])),
  }, { status: 201, headers: { "x-answer": "yes" } });
});
