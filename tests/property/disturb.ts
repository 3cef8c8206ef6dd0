import type { Report } from "./claim.ts";
import type { Player } from "./player.ts";

/** Calls that must change nothing: reports that come too late or name nothing, repairs, refusals. */
export async function disturb(player: Player): Promise<string | undefined> {
  const { world, engine, random } = player;
  const runs = [...world.runs.values()];
  if (runs.length === 0) return undefined;
  const run = random.pick(runs);
  const steps = world.flows.get(run.flow)!.steps;
  switch (random.pick(["late", "late", "nothing", "repair", "refused", "compile", "why"])) {
    case "late": {
      if (world.past.length === 0) return undefined;
      const reports = random.some(world.past, 5);
      await requireNothing(player, reports);
      const closed = await engine.closedAttempts(reports);
      if (closed !== reports.length) {
        throw new Error(`of ${JSON.stringify(reports)} ${closed} are closed attempts`);
      }
      return `settle ${reports.length} late reports`;
    }
    case "nothing": {
      const step = steps.length > 0 ? random.pick(steps).step_slug : "missing";
      const place = { run_id: run.runId, step_slug: step, task_index: 0 };
      await requireNothing(player, [
        { ...place, attempt: 1000, output: 1 },
        { ...place, attempt: 1000, error_message: "never handed out", permanent: true },
        { ...place, attempt: 0, release: true },
        { ...place, step_slug: "missing", output: 1 },
        { ...place, task_index: 99, error_message: "no such task" },
        { ...place, run_id: random.uuid(), output: 1 },
      ]);
      return "settle reports of nothing";
    }
    case "repair":
      await engine.repair(run.runId);
      return `repair ${run.key}`;
    case "refused": {
      if (steps.length === 0) return undefined;
      const step = random.pick(steps);
      if (step.performed_by === "approval") return undefined;
      const task = { run_id: run.runId, step_slug: step.step_slug, task_index: 0 };
      await requireRefused(
        engine.sql`select * from pgflow.complete_step(${task.run_id}, ${task.step_slug}, '1')`,
      );
      return `complete_step of ${run.key}.${step.step_slug}: refused`;
    }
    case "compile": {
      const flow = world.flows.get(run.flow)!;
      const status = await engine.compile(flow);
      if (status !== "verified") {
        throw new Error(`${flow.flow_slug}: compiled again, it is ${status}`);
      }
      return `compile ${flow.flow_slug} again`;
    }
    case "why": {
      const rows = await engine.sql`select w.reason from pgflow.why(${run.runId}) w`;
      if (rows.length !== 1 || /never be/.test(rows[0]!.reason)) {
        throw new Error(`${run.key}: why says ${JSON.stringify(rows)}`);
      }
      return `why ${run.key}: ${rows[0]!.reason}`;
    }
  }
}

async function requireNothing({ engine }: Player, reports: Report[]): Promise<void> {
  const changed = await engine.settle(reports);
  if (changed.length > 0) throw new Error(`late reports changed ${JSON.stringify(changed)}`);
}

async function requireRefused(call: PromiseLike<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if ((error as { code?: string }).code === "PF009") return;
    throw error;
  }
  throw new Error("an answer to what is no approval was taken");
}
