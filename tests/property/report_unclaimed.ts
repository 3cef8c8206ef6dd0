import type { Player } from "./player.ts";
import { taskKey } from "./places.ts";

/** Completes or fails a queued task that nobody has claimed, as its next attempt would have ended. */
export async function reportUnclaimed(player: Player): Promise<string | undefined> {
  const { world, engine, random, isConcurrent } = player;
  // Somebody may claim the task meanwhile, and its open attempt would be settled instead.
  if (isConcurrent) return undefined;
  const tasks = (await engine.openTasks()).filter((row) =>
    row.status === "queued" && row.open_attempt === null
  );
  if (tasks.length === 0) return undefined;
  const row = random.pick(tasks);
  const run = await world.known(row.run_id, engine);
  const task = taskKey(run, row);
  const attempt = row.attempts_count + 1;
  const fate = world.handlers.attempt(task, attempt, world.wantsArray(run, row.step_slug));
  if (fate.kind === "lost" || fate.kind === "release") return undefined;

  const [changed] = fate.kind === "complete"
    ? await engine.completeTask(row, fate.output)
    : await engine.failTask(row, fate.message, fate.kind === "permanent");
  if (changed === undefined) throw new Error(`${task}: it is queued, but its report was ignored`);
  // A handler's output is the task's and needs no attempt; a child run's failure would be one.
  if (fate.kind === "complete" && row.performed_by !== "subflow") world.unclaimed.add(task);
  else world.countUnclaimed(task);
  world.learnChild(changed, run, attempt, fate);
  return `${fate.kind} ${task}#${attempt} without a claim`;
}
