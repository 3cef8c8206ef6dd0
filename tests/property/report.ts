import { type Claim, type Report, reportOf } from "./claim.ts";
import { taskKey } from "./places.ts";
import type { Player } from "./player.ts";
import type { TaskRow } from "./rows.ts";

/**
 * Reports a random batch of the attempts that were handed out, as their fates say, with doubles and
 * contradictions of the same reports and with reports that come too late among them.
 */
export async function report(player: Player): Promise<string | undefined> {
  const { world, engine, random, isConcurrent } = player;
  const ready = [...world.claims.values()].filter((claim) =>
    !claim.isOver && claim.fate.kind !== "lost"
  );
  if (ready.length === 0) return undefined;
  const claims = random.some(ready, random.pick([1, 3, 8, 20]));
  const batch: Report[] = [];
  for (const claim of claims) {
    claim.isOver = true;
    batch.push(...withDoubles(player, claim));
  }
  for (let count = random.int(3); count > 0 && world.past.length > 0; count--) {
    batch.splice(random.int(batch.length + 1), 0, random.pick(world.past));
  }

  const ending = isConcurrent ? random.pick(["", "", "", "commit", "rollback"]) : "";
  await world.whileStarting(async () => {
    if (ending !== "") await engine.sql`begin`;
    const settled = await engine.settle(batch);
    if (ending !== "") {
      await engine.openTasks();
      await engine.sql.unsafe(ending);
    }
    // A transaction that did not end well has started no runs.
    if (ending !== "rollback") await takeNote(player, claims, settled);
  });

  const what = claims.map(({ task, record, fate }) => `${task}#${record.attempt} ${fate.kind}`);
  const line = `settle ${what.join(", ")} in ${batch.length} reports`;
  if (ending === "rollback") {
    for (const claim of claims) claim.isOver = false;
    return `${line} → rolled back`;
  }
  await requireClosed(player, batch, claims);
  world.past.push(...batch);
  world.past.splice(0, world.past.length - 40);
  return line;
}

/** Returns the report of a claim and, now and then, others of the same attempt that must not count. */
function withDoubles({ random, world }: Player, claim: Claim): Report[] {
  const report = reportOf(claim, "");
  if (random.chance(0.8)) return [report];
  const { run_id, step_slug, task_index, attempt } = claim.record;
  const place = { run_id, step_slug, task_index, attempt };
  const failure = { ...place, error_message: "a double", permanent: random.chance(0.3) };
  const release = { ...place, release: true };
  // Of completions the first counts, and completions count before failures.
  if (claim.fate.kind === "complete") {
    const isSubflow = world.stepOf(claim.record).performed_by === "subflow";
    // The output of a subflow's handler may be no input for it, and a failure among others then.
    if (isSubflow) return random.pick([[report, report], [report, failure], [report, release]]);
    return random.pick<Report[]>([
      [report, report],
      [report, { ...place, output: "a double" }],
      [report, failure],
      [failure, report],
      [release, report],
    ]);
  }
  return random.pick([[report, report], [report, failure], [report, release]]);
}

/** Learns the child runs that were started, and checks that only what was reported has changed. */
async function takeNote(player: Player, claims: Claim[], settled: TaskRow[]): Promise<void> {
  const { world, engine } = player;
  const byTask = new Map(claims.map((claim) => [claim.task, claim]));
  for (const row of settled) {
    const run = await world.known(row.run_id, engine);
    const task = taskKey(run, row);
    const claim = byTask.get(task);
    if (claim === undefined) throw new Error(`${task}: a stale report changed it`);
    byTask.delete(task);
    world.learnChild(row, run, claim.record.attempt, claim.fate);
  }
}

/** Checks that no attempt that was reported is still open. */
async function requireClosed({ engine }: Player, batch: Report[], claims: Claim[]): Promise<void> {
  const open = await engine.sql`
    select t.run_id, t.step_slug, t.task_index
    from jsonb_to_recordset(${JSON.stringify(batch)}::text::jsonb)
      as r (run_id uuid, step_slug text, task_index int, attempt int)
    join pgflow.step_tasks t using (run_id, step_slug, task_index)
    where t.open_attempt = r.attempt`;
  if (open.length > 0) {
    throw new Error(
      `reports of ${claims.map((claim) => claim.task)} were ignored: ${JSON.stringify(open)}`,
    );
  }
}
