import { assert, assertEquals } from "@std/assert";
import { serveGateway } from "../local/served_gateway.ts";
import { clientOf, OWNER } from "./callers.ts";
import { flows } from "./operations.ts";

/** Less than 10,000, for machines that do other things as well: what comes of more is the same. */
const BURST = Number(Deno.env.get("PGFLOW_TEST_BURST") ?? 300);

Deno.test(`${BURST} starts at once by one user become that many runs, and others are not kept`, async () => {
  await using stack = await serveGateway(flows);
  const { sql } = stack.database;
  const owner = await clientOf(stack, "owner");
  const other = await clientOf(stack, "other");

  const starts = burst((input) => owner.rpc("start_flow", { flow_slug: "members", input }));
  const began = performance.now();
  const between = await other.rpc("start_flow", { flow_slug: "members", input: "mine" });
  const waited = performance.now() - began;
  const codes = await starts;

  assertEquals([new Set(codes), between.error], [new Set(["ok"]), null]);
  const [left] = await sql`
    select
      (select count(*)::int from pgflow.runs where owner = ${OWNER}) as runs,
      (select count(distinct input)::int from pgflow.runs where owner = ${OWNER}) as inputs,
      (select count(*)::int from pgmq.q_members) as messages,
      (select count(*)::int from pgflow.broken_invariants) as broken
  `;
  assertEquals({ ...left }, { runs: BURST, inputs: BURST, messages: BURST + 1, broken: 0 });
  assert(waited < 60_000, `another user waited ${waited} ms`);
});

Deno.test(`of ${BURST} starts at once by one user, a limit lets through what it says`, async () => {
  await using stack = await serveGateway(`
    select pgflow.create_flow('few', startable_by => array['authenticated'], open_runs_per_owner => 5);
    select pgflow.add_step('few', 'only');
    select pgflow.create_flow(
      'slow', startable_by => array['authenticated'], starts_per_minute_per_owner => 7
    );
    select pgflow.add_step('slow', 'only');
  `);
  const { sql } = stack.database;
  const owner = await clientOf(stack, "owner");

  const outcomes = async (flow_slug: string, size: number) => {
    const codes = await burst((input) => owner.rpc("start_flow", { flow_slug, input }), size);
    return Object.fromEntries(
      [...new Set(codes)].sort().map((code) => [code, codes.filter((c) => c === code).length]),
    );
  };

  // All of them within the minute.
  const quick = Math.min(BURST, 300);
  assertEquals(await outcomes("few", BURST), { PF012: BURST - 5, ok: 5 });
  assertEquals(await outcomes("slow", quick), { PF013: quick - 7, ok: 7 });
  const rows = await sql`select flow_slug, count(*)::int from pgflow.runs group by 1 order by 1`;
  assertEquals(rows.map((row) => Object.values(row)), [["few", 5], ["slow", 7]]);
});

/** Makes so many calls, a hundred at a time, and returns their codes. */
async function burst(
  call: (n: number) => PromiseLike<{ error: { code: string } | null }>,
  size = BURST,
): Promise<string[]> {
  const codes: string[] = [];
  let next = 0;
  const caller = async () => {
    while (next < size) codes.push((await call(next++)).error?.code ?? "ok");
  };
  await Promise.all(Array.from({ length: 100 }, caller));
  return codes;
}
