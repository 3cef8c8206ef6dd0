/**
 * `deno task soak [hours]`: what `deno task test chaos` does, all of it at once and drawn at random, for
 * hours (8). Each round has a database of its own, takes about a minute, and prints a line; a round in
 * which something was lost or done twice prints what, and the seed that draws the same again.
 *
 * @module
 */
import { tcpProxy } from "../db/tcp_proxy.ts";
import type { Random } from "../property/random.ts";
import { type Fate, Fleet } from "./fleet.ts";
import { Troubles } from "./troubles.ts";
import type { Verdict } from "./verdict.ts";
import { pause, World } from "./world.ts";

const HOURS = Number(Deno.args[0] ?? 8);
const STORM_MS = 40_000;
const total = { rounds: 0, runs: 0, kills: 0, restarts: 0, reExecutions: 0, lost: 0, doubled: 0 };
const statements = new Set(["poll_for_tasks", "settle_tasks", "wait_for_tasks"]);

const end = performance.now() + HOURS * 3_600_000;
while (performance.now() < end) {
  const seed = crypto.randomUUID();
  const { verdict, kills, restarts } = await round(seed);
  total.rounds++;
  total.runs += verdict.runs;
  total.kills += kills;
  total.restarts += restarts;
  total.reExecutions += verdict.reExecutions;
  total.lost += verdict.lost.length;
  total.doubled += verdict.doubled.length + verdict.broken.length;
  const sums = Object.entries(total).map(([name, sum]) => `${name} ${sum}`).join(", ");
  console.log(`${new Date().toISOString()} ${sums}`);
  for (const complaint of complaintsOf(verdict)) console.log(`  seed ${seed}: ${complaint}`);
}
Deno.exit(total.lost + total.doubled > 0 ? 1 : 0);

/** Makes trouble for a while, then waits until all runs have ended and judges them. */
async function round(
  seed: string,
): Promise<{ verdict: Verdict; kills: number; restarts: number }> {
  await using world = await World.start(seed, { settings: { max_connections: "40" } });
  await using network = tcpProxy(world.server.url);
  const fleet = new Fleet(world, () => network.url);
  const troubles = new Troubles(world, network, fleet);
  const enough = new AbortController();
  const feeding = world.feed(20, enough.signal);
  fleet.start(2, () => enough.signal.aborted ? { kind: "survive" } : drawFate(world.random));

  const calm = performance.now() + STORM_MS;
  while (performance.now() < calm) {
    await pause(world.random.int(3000));
    await troubles.make(world.random.pick(Troubles.names));
  }
  enough.abort();
  await feeding;
  await world.settle();
  await fleet.stop();
  await world.isDeserted();
  for (const statement of fleet.statements) statements.add(statement);
  return { verdict: await world.verdict(), kills: fleet.kills, restarts: troubles.restarts };
}

function drawFate(random: Random): Fate {
  if (random.chance(0.4)) return { kind: "time", milliseconds: random.int(5000) };
  const statement = random.pick([...statements]);
  const when = random.pick(["before", "after"] as const);
  return { kind: "point", point: { statement, when, nth: 1 + random.int(6) } };
}

function complaintsOf({ lost, doubled, broken }: Verdict): string[] {
  return [
    ...lost.map((text) => `lost: ${text}`),
    ...doubled.map((text) => `doubled: ${text}`),
    ...broken.map((text) => `broken: ${text}`),
  ].slice(0, 20);
}
