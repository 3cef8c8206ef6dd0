import type { Fate } from "./handlers.ts";
import type { ClaimedTask } from "./rows.ts";

/** An attempt that was handed out and has not been reported. */
export interface Claim {
  task: string;
  record: ClaimedTask;
  /** Who holds it, or null for a plain consumer. */
  workerId: string | null;
  fate: Fate;
  /** Whether its report is under way, or the message of a lost one was made visible. */
  isOver: boolean;
}

/** A result as settle_tasks takes it. */
export type Report = Record<string, unknown> & { run_id: string };

/** Returns the report of a claim as its fate says; a lost one would have returned what is given. */
export function reportOf({ record, fate }: Claim, lostOutput: string): Report {
  const { run_id, step_slug, task_index, attempt } = record;
  const report = { run_id, step_slug, task_index, attempt };
  switch (fate.kind) {
    case "complete":
      // A missing output is JSON null.
      if (fate.output === null && attempt % 2 === 0) return report;
      return { ...report, output: fate.output };
    case "fail":
      return { ...report, error_message: fate.message };
    case "permanent":
      return { ...report, error_message: fate.message, permanent: true };
    case "lost":
      return { ...report, output: lostOutput };
    case "release":
      return { ...report, release: true };
  }
}
