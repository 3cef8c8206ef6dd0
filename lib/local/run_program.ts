import { PgflowError } from "../errors.ts";

/**
 * Runs the body of a command and ends the process: with 0 if it returns, with 130 if it returns
 * after Ctrl-C, which aborts its signal, and with 1 and an explanation if it throws.
 */
export async function runProgram(body: (signal: AbortSignal) => Promise<void>): Promise<never> {
  const interruption = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    Deno.addSignalListener(name, () => interruption.abort());
  }
  try {
    await body(interruption.signal);
    Deno.exit(interruption.signal.aborted ? 130 : 0);
  } catch (error) {
    if (interruption.signal.aborted) Deno.exit(130);
    console.error(explain(error));
    Deno.exit(1);
  }
}

function explain(error: unknown): string {
  if (!(error instanceof PgflowError)) return String((error as Error)?.stack ?? error);
  return error.hint ? `${error.message}\n  ${error.hint.replaceAll("\n", "\n  ")}` : error.message;
}
