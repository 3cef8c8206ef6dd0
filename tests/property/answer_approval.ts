import type { Player } from "./player.ts";
import { taskKey } from "./places.ts";

/** Answers an approval that waits, or lets its time end. */
export async function answerApproval(player: Player): Promise<string | undefined> {
  const { world, engine, random } = player;
  const tasks = (await engine.openTasks()).filter((row) =>
    row.status === "waiting" && row.performed_by === "approval" && !world.busy.has(row.run_id)
  );
  if (tasks.length === 0) return undefined;
  const row = random.pick(tasks);
  world.busy.add(row.run_id);
  try {
    const run = await world.known(row.run_id, engine);
    const task = taskKey(run, row);
    const answer = world.handlers.answer(
      task,
      world.spent.get(task) ?? 0,
      world.wantsArray(run, row.step_slug),
      row.is_outside,
    );
    const line = `answer ${task} ${answer.kind}`;
    if (answer.kind === "timeout") await engine.makeDue(row);
    else if (answer.kind === "complete") await engine.completeStep(row, answer.output);
    else await engine.failStep(row, answer.message);
    return line;
  } catch (error) {
    // Its run may have ended meanwhile.
    if (player.isConcurrent && (error as { code?: string }).code === "PF009") return undefined;
    throw error;
  } finally {
    world.busy.delete(row.run_id);
  }
}
