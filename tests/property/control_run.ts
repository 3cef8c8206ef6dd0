import { reportOf } from "./claim.ts";
import { differences } from "./differences.ts";
import { isChild, taskKey } from "./places.ts";
import type { Player } from "./player.ts";
import type { KnownRun } from "./world.ts";

/** Cancels a run, mostly an open one, children as well as roots, so often as it may be done. */
export async function cancelRun({ world, engine, random }: Player): Promise<string | undefined> {
  if (world.cancelsLeft === 0) return undefined;
  const runs = (await engine.runs()).filter((run) =>
    run.status === "started" || random.chance(0.1)
  );
  if (runs.length === 0) return undefined;
  const run = await world.known(random.pick(runs).run_id, engine);
  const [cancelled] = await engine.cancel(run.runId);
  if (cancelled !== undefined) {
    world.setCancelled(run, true);
    world.cancelsLeft = Math.max(world.cancelsLeft - 1, 0);
  }
  return `cancel ${run.key}${cancelled === undefined ? ", which has ended" : ""}`;
}

/** Retries a run that failed or was cancelled, at most twice; a child's retry is refused. */
export async function retryRun(player: Player): Promise<string | undefined> {
  const { world, engine, random } = player;
  const rows = (await engine.runs()).filter((row) => ["failed", "cancelled"].includes(row.status));
  const known = await Promise.all(rows.map((row) => world.known(row.run_id, engine)));
  const runs = known.filter((run) =>
    run.retries < 2 && !world.busy.has(run.runId) && !(player.transaction > 0 && isChild(run))
  );
  if (runs.length === 0) return undefined;
  const run = random.pick(runs);
  world.busy.add(run.runId);
  try {
    return isChild(run) ? await retryChild(player, run) : await retryRoot(player, run);
  } finally {
    world.busy.delete(run.runId);
  }
}

async function retryChild({ engine }: Player, run: KnownRun): Promise<string> {
  try {
    await engine.retry(run.runId);
  } catch (error) {
    if ((error as { code?: string }).code === "55000") {
      return `retry ${run.key}: a child's is refused`;
    }
    throw error;
  }
  throw new Error(`${run.key}: a child run was retried`);
}

async function retryRoot(player: Player, run: KnownRun): Promise<string | undefined> {
  const { world, engine, isConcurrent } = player;
  const before = await engine.run(run.runId);
  // Somebody else may just have retried it.
  if (isConcurrent && before?.status === "started") return undefined;
  run.retries++;
  // What others have done at this moment may not be known yet.
  const found = isConcurrent ? [] : await differences(engine.sql, world, [run]);
  if (found.length > 0) throw new Error(`before its retry, ${found.join("\n")}`);

  const tasks = await engine.sql`
    select
      t.step_slug, t.task_index, t.attempts_count,
      (
        select count(*)::int from pgflow.task_failures f
        where f.run_id = t.run_id and f.step_slug = t.step_slug and f.task_index = t.task_index
      ) as failures
    from pgflow.step_tasks t
    join pgflow.step_states p using (run_id, step_slug)
    where t.run_id = ${run.runId}
      and t.status in ('failed', 'cancelled')
      and p.status in ('failed', 'cancelled')`;
  for (const task of tasks) {
    const key = taskKey(run, { step_slug: task.step_slug, task_index: task.task_index });
    world.setSpent(key, task.attempts_count);
    world.earlierFailures.set(key, task.failures);
    // What was tried before comes back at once.
    if (task.attempts_count > 0) world.waited.add(key);
  }
  for (const claim of world.claims.values()) {
    if (claim.record.run_id !== run.runId) continue;
    world.claims.delete(claim.task);
    world.past.push(reportOf(claim, "too late"));
  }
  if (before!.status === "failed") run.failures++;
  world.setCancelled(run, false);

  const [retried] = await engine.retry(run.runId);
  if (retried === undefined) {
    throw new Error(`${run.key}: is ${before!.status} but was not retried`);
  }
  return `retry ${run.key}, which was ${before!.status}`;
}
