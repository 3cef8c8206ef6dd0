import type { ClaimedTask } from "../db/mod.ts";
import { type AnyFlow, checkInput, InvalidInputError, type StepDefinition } from "../dsl/mod.ts";

/**
 * Resolves with why a task's run cannot go on with its input, if it cannot.
 *
 * Every handler is behind this, but those that get what another handler made: it has passed then.
 * So a run is judged when it begins, also when it begins with an approval or a step that is
 * skipped, and not again by a later deploy's schema while it is on its way.
 */
export async function checkRun(
  flow: AnyFlow,
  step: StepDefinition,
  task: Pick<ClaimedTask, "input" | "runId">,
  runInput: (runId: string) => Promise<unknown>,
): Promise<string | undefined> {
  if (flow.inputSchema === undefined || hasWork(flow, step, task.input)) return undefined;
  const input = step.type === "map"
    ? await runInput(task.runId)
    : (task.input as { run: unknown }).run;
  try {
    await checkInput(flow, input);
  } catch (error) {
    if (error instanceof InvalidInputError) return `[type] ${error.message}`;
    throw error;
  }
}

/** Whether a handler has worked for this run before. */
function hasWork(flow: AnyFlow, step: StepDefinition, payload: unknown): boolean {
  return step.dependencies.some((dependency) =>
    flow.getStep(dependency)?.performedBy !== "approval" &&
    // A map has an element only if its dependency is completed.
    (step.type === "map" || dependency in (payload as object))
  );
}
