import type postgres from "postgres";
import { answerApproval } from "./answer_approval.ts";
import { brokenEvents, numberEvents } from "./broken_events.ts";
import { brokenRules } from "./broken_rules.ts";
import { cancelRun, retryRun } from "./control_run.ts";
import { differences } from "./differences.ts";
import { disturb } from "./disturb.ts";
import { Engine } from "./engine.ts";
import { startsWithMap } from "./flow_shape.ts";
import { generateFlows } from "./generate_flows.ts";
import { Handlers } from "./handlers.ts";
import { loseWorker } from "./lose_worker.ts";
import { moveTime } from "./move_time.ts";
import type { Action, Player } from "./player.ts";
import { poll } from "./poll.ts";
import { Random } from "./random.ts";
import { report } from "./report.ts";
import { reportUnclaimed } from "./report_unclaimed.ts";
import { startAgain, startRuns } from "./start_runs.ts";
import { World } from "./world.ts";

/** What to play, and where. */
export interface EpisodeOptions {
  seed: string;
  /** How many runs to start, children and hooks not counted. */
  runs: number;
  /** One session per player; with several they act at the same time. */
  sessions: postgres.Sql[];
  /** Whether to look at all rules after each action instead of after some. */
  checksAlways: boolean;
}

/** What was played. */
export interface EpisodeCounts {
  runs: number;
  allRuns: number;
  actions: number;
  ended: Record<string, number>;
}

const actions: Record<string, Action> = {
  poll,
  report,
  moveTime,
  loseWorker,
  answerApproval,
  reportUnclaimed,
  cancelRun,
  retryRun,
  startAgain,
  disturb,
};
const weights = {
  start: 12,
  poll: 30,
  report: 30,
  moveTime: 15,
  loseWorker: 2,
  answerApproval: 6,
  reportUnclaimed: 2,
  cancelRun: 1.5,
  retryRun: 2,
  startAgain: 1.5,
  disturb: 4,
};
// What is refused would end a transaction that several calls share.
const inTransaction = { ...weights, startAgain: 0, disturb: 0 };
// Far more than any episode has needed: one that goes on this long does not end.
const ACTIONS_PER_RUN = 400;

/**
 * Generates flows, starts runs of them and drives them by random actions until all have ended, then
 * compares each with the interpreter; throws with all that is needed to see why if one differs.
 */
export async function playEpisode(options: EpisodeOptions): Promise<EpisodeCounts> {
  const { seed, sessions } = options;
  const random = new Random(`${seed} episode`);
  const flows = generateFlows(random, `p${seed.replace(/\W/g, "_")}`);
  const isConcurrent = sessions.length > 1;
  const workers = [0, 1, 2].map(() => random.uuid());
  const cancels = Math.ceil(options.runs * 0.3);
  const world = new World(flows, new Handlers(seed), { workers, cancels, isConcurrent });
  const players = sessions.map((sql, index) => ({
    world,
    engine: new Engine(sql),
    random: new Random(`${seed} player ${index}`),
    isConcurrent,
    transaction: 0,
  }));
  try {
    await numberEvents(sessions[0]!);
    const watchers = new Random(`${seed} watchers`);
    for (const flow of flows) {
      await players[0]!.engine.compile({ ...flow, broadcast: watchers.chance(0.5) });
    }
    const game = { toStart: options.runs, actions: 0, isOver: false };
    do {
      game.isOver = false;
      await Promise.all(players.map((player) => play(player, game, options)));
      // Somebody may have retried a run while somebody else found that all had ended.
    } while ((await players[0]!.engine.runs()).some((row) => row.status === "started"));
    const ended = await requireResults(players[0]!);
    const left = await players[0]!.engine.forget([...world.flows.keys()].reverse());
    if (left > 0) throw new Error(`${left} ended runs were not pruned`);
    return { runs: options.runs, allRuns: world.runs.size, actions: game.actions, ended };
  } catch (error) {
    throw new Error(story(options, flows, world, error as Error), { cause: error });
  }
}

async function play(
  player: Player,
  game: { toStart: number; actions: number; isOver: boolean },
  options: EpisodeOptions,
): Promise<void> {
  const { world, random } = player;
  try {
    while (!game.isOver) {
      if (game.actions++ > options.runs * ACTIONS_PER_RUN) throw new Error(await stuck(player));
      if (!player.isConcurrent && player.transaction === 0 && random.chance(0.04)) {
        player.transaction = 2 + random.int(6);
        world.log.push(`begin, ${player.transaction} actions`);
        await player.engine.sql`begin`;
      }
      const name = random.weighted(player.transaction > 0 ? inTransaction : weights);
      if (name === "start" && game.toStart > 0) {
        const most = Math.min(game.toStart, 5);
        game.toStart -= most;
        const [started, line] = await startRuns(player, most);
        game.toStart += most - started;
        world.log.push(line);
      } else if (name !== "start") {
        const line = await actions[name]!(player);
        if (line !== undefined) world.log.push(line);
      }
      if (player.transaction > 0 && --player.transaction === 0) {
        await player.engine.sql`commit`;
        world.log.push("commit");
      }
      if (random.chance(0.06) || options.checksAlways) await requireRules(player);
      else await requireInvariants(player);
      if (player.transaction > 0) continue;
      if (game.toStart === 0 && random.chance(0.15) && await isQuiet(player)) game.isOver = true;
    }
    await requireRules(player);
  } catch (error) {
    game.isOver = true;
    throw error;
  }
}

async function isQuiet({ engine, random }: Player): Promise<boolean> {
  const rows = await engine.runs();
  if (rows.some((row) => row.status === "started")) return false;
  // Leaves some that failed to be retried.
  return random.chance(0.5);
}

async function requireRules({ engine }: Player): Promise<void> {
  const broken = [...await brokenRules(engine.sql), ...await brokenEvents(engine.sql)];
  if (broken.length > 0) throw new Error(`broken rules:\n${broken.join("\n")}`);
}

/** The view alone, after each call; it costs a tenth of all the rules. */
async function requireInvariants({ engine }: Player): Promise<void> {
  const broken = await engine.sql`select * from pgflow.broken_invariants`;
  if (broken.length > 0) throw new Error(`broken invariants:\n${JSON.stringify(broken)}`);
}

/** Compares all runs with the interpreter; returns how many ended in which way. */
async function requireResults({ world, engine }: Player): Promise<Record<string, number>> {
  const rows = await engine.runs();
  for (const row of rows) await world.known(row.run_id, engine);
  world.checkInputs();
  const found = await differences(engine.sql, world, [...world.runs.values()]);
  for (const row of rows) {
    const run = world.runs.get(row.run_id)!;
    const failures = run.failures + (row.status === "failed" ? 1 : 0);
    const hooks = world.hooks.get(run.key) ?? 0;
    const hook = world.flows.get(world.flows.get(run.flow)!.on_failure_slug ?? "");
    // A hook that cannot start with an object is passed over.
    const expected = hook === undefined || startsWithMap(hook) ? 0 : failures;
    if (hooks !== expected) {
      found.push(`${run.key}: ${hooks} hooks for ${failures} failures`);
    }
  }
  if (found.length > 0) throw new Error(found.slice(0, 10).join("\n"));
  return Object.fromEntries(
    Object.entries(Object.groupBy(rows, (row) => row.status)).map(([status, of]) => [
      status,
      of!.length,
    ]),
  );
}

async function stuck({ world, engine }: Player): Promise<string> {
  const open = (await engine.runs()).filter((row) => row.status === "started");
  const reasons = await Promise.all(open.map(async (row) => {
    const [why] = await engine.sql`select w.reason from pgflow.why(${row.run_id}) w`;
    return `${world.runs.get(row.run_id)?.key}: ${why?.reason}`;
  }));
  return `${open.length} runs do not end:\n${reasons.join("\n")}`;
}

function story(options: EpisodeOptions, flows: unknown[], world: World, error: Error): string {
  const replay = options.sessions.length > 1
    ? "several sessions at once; the same seed gives the same flows, but not the same interleaving"
    : "replays exactly";
  const places = [...world.runs.values()].map((run) =>
    `${run.runId} ${run.key} ${run.flow} ${JSON.stringify(run.input)}`
  );
  return [
    `PGFLOW_PROPERTY_SEED=${parseInt(options.seed)} deno task test deno property (${replay})`,
    "flows:",
    ...flows.map((flow) => JSON.stringify(flow)),
    "runs:",
    ...places,
    "actions:",
    ...world.log,
    `then: ${error.message}`,
  ].join("\n");
}
