/**
 * `deno task test chaos`: flows of all kinds of steps go on while their workers, their database and
 * the network between them are ended in every way that can be thought of; nothing may be lost, and
 * nothing done twice. `CHAOS_KILLS` says how often to kill (300), `CHAOS_SEED` repeats a run's draws.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { tcpProxy } from "../db/tcp_proxy.ts";
import { startStack } from "../../lib/local/stack.ts";
import { createExecutionsFile, EXECUTIONS_FILE } from "./executions.ts";
import { type Fate, Fleet, pointFates } from "./fleet.ts";
import { served } from "./flows.ts";
import { type Row, tableOf } from "./report.ts";
import { Troubles } from "./troubles.ts";
import { pause, World } from "./world.ts";

const KILLS = Number(Deno.env.get("CHAOS_KILLS") ?? 300);
const SEED = Deno.env.get("CHAOS_SEED") ?? crypto.randomUUID();
const OPEN_RUNS = 20;
const rows: Row[] = [];

/** What of all kills a scenario has to do. */
const share = (part: number) => Math.ceil(KILLS * part);

Deno.test("workers are killed before and after each statement that they send", async () => {
  await using world = await World.start(`${SEED} points`);
  const fleet = new Fleet(world);
  const statements = await statementsOfWorkers(world);
  const each = Math.ceil(share(0.45) / statements.size / 2);
  const fates = pointFates(statements, each, world.random);

  await killAll(world, fleet, fates);

  const sides = [...statements].flatMap((name) => [`before ${name}`, `after ${name}`]);
  assertEquals(sides.filter((side) => !fleet.points.has(side)), [], "never killed there");
  const points = [...fleet.points].map(([name, count]) => `${name} ${count}`).sort();
  console.log(`killed ${points.join(", ")}`);
  await finish("before and after each statement", world, fleet.kills);
});

Deno.test("workers are killed at any moment", async () => {
  await using world = await World.start(`${SEED} moments`);
  const fleet = new Fleet(world);
  const fates = Array.from({ length: share(0.3) }, (): Fate => (
    { kind: "time", milliseconds: 150 + world.random.int(1200) }
  ));

  await killAll(world, fleet, fates);

  await finish("at any moment", world, fleet.kills);
});

Deno.test("isolates live for three seconds at most, are killed at random and asked too often", async () => {
  let kills = 0;
  const seed = `${SEED} isolates`;
  const executionsFile = createExecutionsFile();
  await using stack = await startStack({
    functions: Object.keys(served).map((name) => ({
      name,
      entrypoint: import.meta.resolve(`./functions/${name}.ts`),
    })),
    limits: { wallClock: 3000 },
    env: { [EXECUTIONS_FILE]: executionsFile },
    chaos: { seed: KILLS, longestLife: 2500, onKill: () => kills++ },
  });
  await using world = await World.start(seed, { url: stack.databaseUrl, executionsFile });
  const enough = new AbortController();
  const settled = new AbortController();
  const ask = async (name: string) => {
    while (!settled.signal.aborted) {
      // As impatient clients, several at a time; what they are answered is of no importance.
      const answers = Array.from({ length: 3 }, () =>
        fetch(`${stack.url}/functions/v1/${name}`, {
          method: "POST",
          headers: { apikey: stack.keys.secret },
        }).then((response) => response.text()).catch(() => {}));
      await Promise.all(answers);
      await pause(100);
    }
  };
  const feeding = world.feed(OPEN_RUNS, enough.signal);
  const asking = Object.keys(served).map(ask);
  const watching = crowdedFunctions(world, settled.signal);

  while (kills < share(0.2)) await pause(50);
  enough.abort();
  await feeding;
  await world.settle();
  settled.abort();
  await Promise.all(asking);
  assertEquals(await watching, [], "two workers of one function had its lease");
  await stack.host.stop();
  await finish("isolates of three seconds", world, kills);
});

Deno.test("the database crashes, ends connections and refuses them, and the network breaks", async () => {
  await using world = await World.start(`${SEED} troubles`, {
    settings: { max_connections: "30" },
  });
  await using network = tcpProxy(world.server.url);
  const fleet = new Fleet(world, () => network.url);
  const troubles = new Troubles(world, network, fleet);
  const enough = new AbortController();
  const feeding = world.feed(OPEN_RUNS, enough.signal);
  fleet.start(2, () => ({ kind: "time", milliseconds: 2000 + world.random.int(8000) }));

  for (let round = 0; round < 3; round++) {
    for (const trouble of Troubles.names) {
      await pause(world.random.int(700));
      await troubles.make(trouble);
    }
  }
  enough.abort();
  await feeding;

  await world.settle();
  await fleet.stop();
  await finish("database and network", world, fleet.kills, troubles.restarts);
});

Deno.test("the runs, kills and restarts of all scenarios, and what they came to", () => {
  console.log(`seed ${SEED}\n${tableOf(rows)}`);
  const kills = rows.reduce((sum, row) => sum + row.kills, 0);
  assertEquals([rows.length, kills >= KILLS], [4, true]);
});

/** Looks again and again, and returns the functions that had two workers at work at once. */
async function crowdedFunctions(world: World, enough: AbortSignal): Promise<string[]> {
  const found = new Set<string>();
  while (!enough.aborted) {
    const rows = await world.sql`
      select function_name from pgflow.live_workers
      where state = 'running' and function_name = any (${Object.keys(served)})
      group by function_name
      having count(*) > 1`;
    for (const row of rows) found.add(row.function_name);
    await pause(50);
  }
  return [...found];
}

/** Lets a worker of each function live in peace, and returns what it asked of the database. */
async function statementsOfWorkers(world: World): Promise<ReadonlySet<string>> {
  const fleet = new Fleet(world);
  await world.startRuns(10);
  fleet.start(1, () => ({ kind: "survive" }));
  await world.settle();
  await fleet.stop();
  return fleet.statements;
}

/** Has workers meet their fates while there is work, and the last ones finish it. */
async function killAll(world: World, fleet: Fleet, fates: Fate[]): Promise<void> {
  const enough = new AbortController();
  const feeding = world.feed(OPEN_RUNS, enough.signal);
  fleet.start(2, () => {
    const fate = fates.pop();
    if (fate === undefined) enough.abort();
    return fate ?? { kind: "survive" };
  });
  await feeding;
  await world.settle();
  await fleet.stop();
}

/** Adds a row to the table, and fails unless all is as it should be. */
async function finish(
  scenario: string,
  world: World,
  kills: number,
  restarts = 0,
): Promise<void> {
  await world.isDeserted();
  const verdict = await world.verdict();
  rows.push({ scenario, kills, restarts, verdict });
  const { lost, doubled, broken } = verdict;
  assertEquals({ lost, doubled, broken }, { lost: [], doubled: [], broken: [] }, world.seed);
}
