import { startsWithMap } from "./flow_shape.ts";
import { type Json, randomArray, randomJson } from "./json.ts";
import type { Player } from "./player.ts";
import type { RunRow, Start } from "./rows.ts";

/** Starts runs in one of the ways there are, at most so many, and returns how many it started. */
export async function startRuns(player: Player, most: number): Promise<[number, string]> {
  const { world, engine, random } = player;
  const slugs = [...world.flows.keys()];
  // The flows that contain others stand at the end.
  const flow = random.chance(0.7) ? slugs.at(-1 - random.int(2)) ?? slugs[0]! : random.pick(slugs);
  return await world.whileStarting<[number, string]>(async () => {
    if (random.chance(0.3)) {
      const inputs = Array.from({ length: 1 + random.int(most) }, () => inputFor(player, flow));
      const keys = inputs.map(() => world.nextKey());
      const rows = await engine.startMany(flow, inputs);
      if (rows.length !== inputs.length) throw new Error(`start_flows: ${rows.length} runs came`);
      rows.forEach((row, index) => {
        world.learn(row.run_id, { key: keys[index]!, flow, input: inputs[index]!, start: {} });
      });
      return [rows.length, `start ${keys} of ${flow}`];
    }
    const key = world.nextKey();
    const start: Start = { flow, input: inputFor(player, flow) };
    if (random.chance(0.5)) start.runId = random.uuid();
    if (random.chance(0.1)) {
      start.watched = true;
    } else {
      if (random.chance(0.3)) start.key = `key of ${key}`;
      if (random.chance(0.15)) start.later = true;
    }
    const [row] = await engine.start(start);
    world.learn(row!.run_id, {
      key,
      flow,
      input: start.input,
      start: { key: start.key, later: start.later },
    });
    return [1, `start ${key} of ${flow}${start.later ? " later" : ""}`];
  });
}

function inputFor({ world, random }: Player, flow: string): Json {
  return startsWithMap(world.flows.get(flow)!) ? randomArray(random) : randomJson(random);
}

/** Starts a run again that exists: the same is returned, another one is refused. */
export async function startAgain(player: Player): Promise<string | undefined> {
  const { world, engine, random } = player;
  const runs = [...world.runs.values()].filter((run) => run.start !== undefined);
  if (runs.length === 0) return undefined;
  const { key, flow, input, runId, start } = random.pick(runs);
  const again: Start = { flow, input };
  if (start!.key === undefined || random.chance(0.5)) again.runId = runId;
  if (start!.key !== undefined) again.key = start!.key;
  const isOther = random.chance(0.3);
  if (isOther) again.input = startsWithMap(world.flows.get(flow)!) ? [key, input] : { key, input };

  let rows: RunRow[] = [];
  try {
    rows = await engine.start(again);
  } catch (error) {
    if (isOther && (error as { code?: string }).code === "PF004") {
      return `start ${key} with another input: refused`;
    }
    throw error;
  }
  if (isOther || rows.length !== 1 || rows[0]!.run_id !== runId) {
    throw new Error(`${key}: started again, ${JSON.stringify(rows)} came`);
  }
  return `start ${key} again`;
}
