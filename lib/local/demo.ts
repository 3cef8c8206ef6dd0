/**
 * `deno task demo [url]`: from nothing to a finished run. Starts a stack, starts the flow
 * analyze_website as a client would, shows its steps and prints what it found.
 *
 * @module
 */
import { createClient } from "@supabase/supabase-js";
import postgres from "postgres";
import { PgflowError } from "../errors.ts";
import { pause } from "./pause.ts";
import { runProgram } from "./run_program.ts";
import { RunProgress } from "./run_progress.ts";
import type { RunStates } from "./run_states.ts";
import { type Stack, startStack } from "./stack.ts";
import { wakeWorker } from "./wake_worker.ts";

const FLOW = "analyze_website";
const PAGE = "/demo/page.html";
const LOOK_MS = 40;

await runProgram(async (interrupted) => {
  const url = askedUrl(Deno.args[0]);
  const logs: string[] = [];
  console.log("Starting Postgres, the API and the edge function …");
  await using stack = await startStack({
    routes: { [PAGE]: servePage },
    onLog: ({ text }) => logs.push(text),
  });
  const signal = AbortSignal.any([interrupted, AbortSignal.timeout(300_000)]);
  try {
    const states = await analyze(stack, url ?? stack.url + PAGE, signal);
    await stack.stop();
    report(states);
  } catch (error) {
    if (!interrupted.aborted) { for (const line of logs.slice(-40)) console.error(line); }
    throw error;
  }
});

function askedUrl(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const url = URL.parse(text);
  if (url?.protocol === "http:" || url?.protocol === "https:") return url.href;
  throw new PgflowError(`Cannot analyze "${text}": it is no address of a page`, {
    hint: "Give an address such as https://example.com, or none for the page of the demo",
  });
}

async function servePage(): Promise<Response> {
  const page = await Deno.readTextFile(new URL("./demo_page.html", import.meta.url));
  return new Response(page, { headers: { "content-type": "text/html; charset=utf-8" } });
}

/** Starts the run and shows it until it has ended. */
async function analyze(stack: Stack, url: string, signal: AbortSignal): Promise<RunStates> {
  await using database = connect(stack.databaseUrl);
  const { sql } = database;
  await wakeWorker(stack, FLOW, signal);
  const runId = await startRun(stack, url);
  console.log(`Run ${runId} analyzes ${url}`);

  const progress = new RunProgress({
    write: (text) => Deno.stdout.writeSync(new TextEncoder().encode(text)),
    isLive: Deno.stdout.isTerminal() && !Deno.noColor,
  });
  for (;;) {
    const [row] = await sql`select pgflow.get_run_with_states(${runId}) as states`;
    const states = row!["states"] as RunStates;
    progress.show(states);
    if (states.run.status !== "started") return states;
    await pause(LOOK_MS, signal);
    signal.throwIfAborted();
  }
}

async function startRun(stack: Stack, url: string): Promise<string> {
  const supabase = createClient(stack.url, stack.keys.secret, {
    auth: { persistSession: false, autoRefreshToken: false },
  });
  const { data, error } = await supabase.rpc("start_flow", { flow_slug: FLOW, input: { url } });
  if (error) throw new PgflowError(error.message, { code: error.code, hint: error.hint });
  return (data as RunStates["run"]).run_id;
}

function report({ run, steps }: RunStates): void {
  if (run.status !== "completed") {
    const failed = steps.find((step) => step.status === "failed");
    throw new PgflowError(`Run ${run.run_id} ${run.status}: ${run.error_message}`, {
      hint: failed && `Step ${failed.step_slug}: ${failed.error_message}`,
    });
  }
  console.log(JSON.stringify(run.output, null, 2));
  const seconds = (Date.parse(run.completed_at!) - Date.parse(run.started_at)) / 1000;
  console.log(`Run ${run.run_id} completed in ${seconds.toFixed(2)} s`);
}

function connect(url: string): { sql: postgres.Sql } & AsyncDisposable {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  return { sql, [Symbol.asyncDispose]: () => sql.end({ timeout: 1 }) };
}
