/**
 * Drives random runs of random flows by random calls and compares them with an interpreter.
 *
 * Prints its seed. `PGFLOW_PROPERTY_SEED=7 deno task test deno property` plays the episode of seed 7
 * again, looking at all rules after each call; `PGFLOW_PROPERTY_RUNS=5000` plays longer.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import postgres from "postgres";
import { testDatabase } from "../database.ts";
import { type EpisodeCounts, playEpisode } from "./episode.ts";
import { seedIds } from "./seed_ids.ts";

const RUNS_PER_EPISODE = 20;
const SESSIONS = 5;
const asked = Deno.env.get("PGFLOW_PROPERTY_SEED");
const firstSeed = asked === undefined ? Math.floor(Math.random() * 1e9) : Number(asked);
const runs = Number(
  Deno.env.get("PGFLOW_PROPERTY_RUNS") ?? (asked === undefined ? 1000 : RUNS_PER_EPISODE),
);
const episodes = Math.ceil(runs / RUNS_PER_EPISODE);

Deno.test("settle_tasks() and its kin do with random flows what the interpreter does", async () => {
  const started = performance.now();
  const played: EpisodeCounts[] = [];
  let next = 0;
  const lane = async () => {
    await using database = await testDatabase();
    await using sessions = openSessions(database.url, 1);
    const useSeed = await seedIds(sessions.all[0]!);
    while (next < episodes) {
      const seed = `${firstSeed + next++}`;
      await useSeed(seed);
      const checksAlways = asked !== undefined;
      played.push(
        await playEpisode({ seed, runs: RUNS_PER_EPISODE, sessions: sessions.all, checksAlways }),
      );
    }
  };
  // Two, each with a database of its own, because half of the time is spent waiting for an answer.
  const lanes = await Promise.allSettled([lane(), lane()].map((ended) =>
    ended.catch((error) => {
      next = episodes;
      throw error;
    })
  ));
  for (const { reason } of lanes.filter((lane) => lane.status === "rejected")) throw reason;
  print("one session at a time", played, started);
  assertEquals(played.length, episodes);
});

Deno.test("settle_tasks() and its kin do the same when several sessions act at once", async () => {
  const started = performance.now();
  const played: EpisodeCounts[] = [];
  await using database = await testDatabase();
  await using sessions = openSessions(database.url, SESSIONS);
  for (let episode = 0; episode < Math.ceil(episodes / 10); episode++) {
    const seed = `${firstSeed + episode}c`;
    played.push(
      await playEpisode({
        seed,
        runs: RUNS_PER_EPISODE,
        sessions: sessions.all,
        checksAlways: false,
      }),
    );
  }
  print(`${SESSIONS} sessions at once`, played, started);
  assertEquals(played.length, Math.ceil(episodes / 10));
});

function openSessions(url: string, count: number): AsyncDisposable & { all: postgres.Sql[] } {
  const all = Array.from({ length: count }, () => postgres(url, { max: 1, onnotice: () => {} }));
  return {
    all,
    async [Symbol.asyncDispose]() {
      await Promise.all(all.map((sql) => sql.end({ timeout: 1 })));
    },
  };
}

function print(what: string, played: EpisodeCounts[], started: number): void {
  const sum = (count: (counts: EpisodeCounts) => number) =>
    played.reduce((total, counts) => total + count(counts), 0);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const ended = ["completed", "failed", "cancelled"].map((status) =>
    `${sum((counts) => counts.ended[status] ?? 0)} ${status}`
  );
  console.log(
    `property: seed ${firstSeed}, ${what}: ${sum((counts) => counts.runs)} runs ` +
      `(${sum((counts) => counts.allRuns)} with children and hooks: ${ended.join(", ")}), ` +
      `${sum((counts) => counts.actions)} actions, ${seconds} s`,
  );
}
