import { assertEquals } from "@std/assert";
import { runWorker } from "../../lib/worker/mod.ts";
import { testDatabase } from "../database.ts";
import { createExecutionsFile, EXECUTIONS_FILE, readExecutions } from "./executions.ts";
import { Doomed, expectedOutput, Tight } from "./flows.ts";
import { judge, type StartedRun } from "./verdict.ts";

const input = { n: 1, items: [], express: false };

/** Lets a worker end a run of each of two flows, and returns what there is to judge. */
async function finishedRuns() {
  const { sql, url, ...database } = await testDatabase();
  const file = createExecutionsFile();
  Deno.env.set(EXECUTIONS_FILE, file);
  const quiet = () => {};
  const logger = { debug: quiet, info: quiet, warn: quiet, error: quiet };
  const work = () => runWorker([Doomed, Tight], { databaseUrl: url, idleSeconds: 0, logger }).done;
  await work();
  const runs: StartedRun[] = [];
  for (const { slug } of [Doomed, Tight]) {
    const [run] = await sql`
      select run_id from pgflow.start_flow(${slug}, ${JSON.stringify(input)}::text::jsonb)`;
    runs.push({ runId: run!.run_id, flowSlug: slug, expected: expectedOutput(slug, input) });
  }
  const open = async () => (await sql`select from pgflow.runs where status = 'started'`).length > 0;
  while (await open()) await work();
  const executions = readExecutions(file);
  Deno.removeSync(file);
  return { sql, runs, executions, [Symbol.asyncDispose]: database[Symbol.asyncDispose] };
}

Deno.test("judge() finds nothing where nothing is lost and nothing is done twice", async () => {
  await using it = await finishedRuns();

  assertEquals(await judge(it.sql, it.runs, it.executions), {
    runs: 2,
    tasks: 4,
    reExecutions: it.executions.filter(({ phase }) => phase === "start").length - 4,
    lost: [],
    doubled: [],
    broken: [],
  });
});

Deno.test("judge() finds what is missing and what is there twice", async () => {
  await using it = await finishedRuns();
  const [doomed, tight] = it.runs as [StartedRun, StartedRun];
  const ended = it.executions.find(({ runId, phase }) => runId === tight.runId && phase === "end")!;
  const others = it.executions.filter((execution) => execution !== ended);
  const again = others.find(({ phase }) => phase === "end")!;
  const stranger = { ...tight, runId: "00000000-0000-4000-8000-000000000001" };
  await it.sql`
    update pgflow.step_tasks set output = jsonb_set(output, '{attempt}', '9')
    where run_id = ${tight.runId}`;
  await it.sql`
    update pgflow.runs set output = '{"only": {"n": 2}}' where run_id = ${tight.runId}`;
  await it.sql`
    insert into pgflow.runs (flow_slug, input, status, output, completed_at)
    select flow_slug, input, status, output, completed_at from pgflow.runs
    where input ->> 'run_id' = ${doomed.runId}`;

  const verdict = await judge(it.sql, [...it.runs, stranger], [...others, again]);

  const { runId, step, index, attempt } = again;
  assertEquals([verdict.lost.toSorted(), verdict.doubled.toSorted()], [
    [
      `run ${stranger.runId} of chaos_tight is not there`,
      `run ${tight.runId} of chaos_tight has {"only":{"n":2}}, not {"only":{"n":1}}`,
      `task ${tight.runId}:only:0 completed without a handler`,
    ].sort(),
    [
      `attempt ${runId}:${step}:${index}#${attempt} end ran 2 times`,
      `run ${doomed.runId} of chaos_doomed has 2 hooks`,
      `task ${tight.runId}:only:0 has the output of attempt 9, not ${ended.attempt}`,
    ].sort(),
  ]);
  assertEquals(verdict.broken.length > 0, true);
});
