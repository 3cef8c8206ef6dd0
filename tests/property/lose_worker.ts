import type { Player } from "./player.ts";

/**
 * Lets the tasks of a worker that is gone come back at once, and another take its place. All that it
 * held must be lost anyway.
 */
export async function loseWorker(player: Player): Promise<string | undefined> {
  const { world, engine, random, isConcurrent } = player;
  // Somebody may claim for the worker at this moment.
  if (isConcurrent) return undefined;
  const open = [...world.claims.values()].filter((claim) => !claim.isOver);
  const lost = world.workers.filter((worker) => {
    const held = open.filter((claim) => claim.workerId === worker);
    return held.length > 0 && held.every((claim) => claim.fate.kind === "lost");
  });
  if (lost.length === 0) return undefined;
  const worker = random.pick(lost);
  const claims = open.filter((claim) => claim.workerId === worker);
  const rows = await engine.openTasks();
  const held = rows.filter((row) =>
    claims.some(({ record }) =>
      row.message_id === record.msg_id && row.flow_slug === record.flow_slug &&
      row.open_attempt === record.attempt
    )
  );
  const living = world.workers.filter((other) => other !== worker);
  const requeued = await engine.loseWorker(worker, living);
  if (requeued !== held.length) {
    throw new Error(`requeue_stalled_tasks: ${requeued} tasks instead of ${held.length}`);
  }
  for (const claim of claims) claim.isOver = true;
  world.workers = [...living, random.uuid()];
  return `requeue ${claims.map(({ task, record }) => `${task}#${record.attempt}`)}`;
}
