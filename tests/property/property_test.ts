import { assert } from "@std/assert";
import postgres from "postgres";
import { testDatabase } from "../database.ts";
import { type EpisodeCounts, playEpisode } from "./episode.ts";
import { seedIds } from "./seed_ids.ts";

const RUNS_PER_EPISODE = 20;
const asked = Deno.env.get("PGFLOW_PROPERTY_SEED");
const firstSeed = asked !== undefined ? Number(asked) : Math.floor(Math.random() * 1e9);
const runs = Number(
  Deno.env.get("PGFLOW_PROPERTY_RUNS") ?? (asked !== undefined ? RUNS_PER_EPISODE : 1000),
);

Deno.test("settle_tasks() and its kin do with random flows what the interpreter does", async () => {
  const episodes = Math.ceil(runs / RUNS_PER_EPISODE);
  // Two lanes, each with a database of its own, because most of the time is spent waiting.
  let next = 0;
  const started = performance.now();
  const played: EpisodeCounts[] = [];
  const lane = async () => {
    await using database = await testDatabase();
    await using session = disposable(postgres(database.url, { max: 1, onnotice: () => {} }));
    const useSeed = await seedIds(session.sql);
    while (next < episodes) {
      const seed = String(firstSeed + next++);
      await useSeed(seed);
      played.push(
        await playEpisode({
          seed,
          runs: RUNS_PER_EPISODE,
          sessions: [session.sql],
          checksAlways: asked !== undefined,
        }),
      );
    }
  };
  await Promise.all([lane(), lane()]);
  print("one session", played, started);
  assert(played.length === episodes);
});

Deno.test("settle_tasks() and its kin do the same when several sessions act at once", async () => {
  const seed = `${firstSeed}`;
  const started = performance.now();
  await using database = await testDatabase();
  const sessions = Array.from(
    { length: 5 },
    () => disposable(postgres(database.url, { max: 1, onnotice: () => {} })),
  );
  const played: EpisodeCounts[] = [];
  try {
    for (let episode = 0; episode < Math.max(runs / RUNS_PER_EPISODE / 10, 1); episode++) {
      played.push(
        await playEpisode({
          seed: `${seed}c${episode}`,
          runs: RUNS_PER_EPISODE,
          sessions: sessions.map((session) => session.sql),
          checksAlways: false,
        }),
      );
    }
  } finally {
    for (const session of sessions) await session[Symbol.asyncDispose]();
  }
  print("five sessions", played, started);
  assert(played.length > 0);
});

function disposable(sql: postgres.Sql): AsyncDisposable & { sql: postgres.Sql } {
  return { sql, [Symbol.asyncDispose]: () => sql.end({ timeout: 1 }) };
}

function print(what: string, played: EpisodeCounts[], started: number): void {
  const sum = (count: (counts: EpisodeCounts) => number) =>
    played.reduce((total, counts) => total + count(counts), 0);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(
    `property: seed ${firstSeed}, ${what}: ${sum((c) => c.runs)} runs ` +
      `(${sum((c) => c.allRuns)} with children and hooks; ` +
      `${sum((c) => c.ended.completed ?? 0)} completed, ` +
      `${sum((c) => c.ended.failed ?? 0)} failed, ` +
      `${sum((c) => c.ended.cancelled ?? 0)} cancelled), ` +
      `${sum((c) => c.actions)} actions, ${seconds} s`,
  );
}
