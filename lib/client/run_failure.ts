import { PgflowError, RunFailedError } from "../errors.ts";
import type { RunRecord } from "./run_record.ts";

/** Returns why a run that has failed or was cancelled has no output. */
export function runFailure({ run, steps }: RunRecord): RunFailedError {
  const { id: runId, flow } = run;
  const subject = `Cannot complete run "${runId}" of flow "${flow}"`;
  if (run.status === "cancelled") {
    // A child run says so itself, a run of its own has nothing to say.
    const reason = run.error ?? "it was cancelled";
    return new RunFailedError(`${subject}: ${reason}`, {
      runId,
      flow,
      status: "cancelled",
      reason,
    });
  }
  const step = [...steps?.values() ?? []].find(({ status }) => status === "failed");
  const reason = step?.error ?? run.error ?? "it failed";
  const failure = { runId, flow, status: "failed", reason } as const;
  if (step === undefined) return new RunFailedError(`${subject}: ${reason}`, failure);
  return new RunFailedError(`${subject}: step "${step.slug}" failed: ${reason}`, {
    ...failure,
    step: step.slug,
  }, { cause: new PgflowError(reason) });
}

/** Returns why there is no output of a step. */
export function skippedStep(slug: string, runId: string): PgflowError {
  return new PgflowError(`Cannot wait for step "${slug}" of run "${runId}": it was skipped`, {
    code: "PF108",
  });
}

/** Returns why there is no such step. */
export function unknownStep(slug: string, flow: string): PgflowError {
  return new PgflowError(`Cannot wait for step "${slug}": flow "${flow}" has no such step`, {
    code: "PF002",
  });
}

/** Returns why nobody waits any more. */
export function disposedRun(runId: string): PgflowError {
  return new PgflowError(`Cannot wait for run "${runId}": it is not watched any more`, {
    hint: "dispose() was called, on the run or on the client",
  });
}
