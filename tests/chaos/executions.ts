import type { HandlerContext } from "pgflow/dsl";

/** That a handler began, or came to its end, as it wrote down itself. */
export interface Execution {
  runId: string;
  step: string;
  index: number;
  attempt: number;
  phase: "start" | "end";
}

/** Where handlers write; a file, because nothing that is killed with them or restarted keeps it. */
export const EXECUTIONS_FILE = "CHAOS_EXECUTIONS";

/** Writes down how far a handler came; a short line is appended as one, whoever else writes. */
export function record(
  { runId, step, taskIndex: index, attempt, env }: HandlerContext,
  phase: Execution["phase"],
): void {
  const line = JSON.stringify({ runId, step, index, attempt, phase }) + "\n";
  Deno.writeTextFileSync(env[EXECUTIONS_FILE]!, line, { append: true });
}

/** Returns the name of a new file for executions. */
export function createExecutionsFile(): string {
  return Deno.makeTempFileSync({ prefix: "pgflow-chaos-" });
}

/** Returns what handlers wrote. */
export function readExecutions(file: string): Execution[] {
  const lines = Deno.readTextFileSync(file).split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as Execution);
}
