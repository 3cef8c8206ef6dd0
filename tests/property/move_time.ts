import type { Player } from "./player.ts";
import { taskKey } from "./places.ts";

/** Lets time pass for some of what waits: lost attempts, retries, and tasks outside the queue. */
export async function moveTime(player: Player): Promise<string | undefined> {
  const { world, engine, random } = player;
  const what = random.weighted({ lost: 4, hidden: 3, outside: 3 });
  if (what === "lost") {
    const lost = [...world.claims.values()].filter((claim) =>
      !claim.isOver && claim.fate.kind === "lost"
    );
    if (lost.length === 0) return undefined;
    const claims = random.some(lost, 6);
    for (const claim of claims) claim.isOver = true;
    for (const claim of claims) {
      await engine.makeVisible(claim.record.flow_slug, claim.record.msg_id);
    }
    return `time takes back ${claims.map(({ task, record }) => `${task}#${record.attempt}`)}`;
  }
  if (what === "hidden") {
    const flow = random.pick([...world.flows.keys()]);
    const hidden = await engine.hiddenMessages(flow);
    if (hidden.length === 0) return undefined;
    const tasks = [];
    for (const { msg_id, read_ct, ...row } of random.some(hidden, 8)) {
      const task = taskKey(await world.known(row.run_id, engine), row);
      tasks.push(task);
      world.waited.add(task);
      await engine.makeVisible(flow, msg_id, read_ct);
    }
    return `time shows ${tasks}`;
  }
  const outside = (await engine.openTasks()).filter((row) =>
    row.is_outside && row.status === "queued"
  );
  if (outside.length === 0) return undefined;
  const tasks = [];
  for (const row of random.some(outside, 8)) {
    const task = taskKey(await world.known(row.run_id, engine), row);
    tasks.push(task);
    world.waited.add(task);
    await engine.makeDue(row);
  }
  return `time makes due ${tasks}`;
}
