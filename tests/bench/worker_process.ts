/**
 * A worker with handlers that do nothing, in a process of its own: its CPU time is the worker's.
 *
 * Arguments: database URL, number of concurrent tasks. Prints `ready`, works until its standard input
 * ends, then prints the CPU milliseconds since it was ready.
 *
 * @module
 */
import process from "node:process";
import { Flow } from "pgflow/dsl";
import { runWorker } from "pgflow/worker";

const Chain = new Flow<{ i: number }>({ slug: "bench_chain" })
  .step("a", () => ({ ok: true }))
  .step("b", ["a"], () => ({ ok: true }))
  .step("c", ["b"], () => ({ ok: true }));

if (import.meta.main) {
  const [databaseUrl, maxConcurrent] = Deno.args;
  const quiet = () => {};
  const worker = runWorker(Chain, {
    databaseUrl: databaseUrl!,
    maxConcurrent: Number(maxConcurrent),
    logger: { debug: quiet, info: quiet, warn: console.error, error: console.error },
  });
  await worker.started;
  const before = process.cpuUsage();
  console.log("ready");
  for await (const _ of Deno.stdin.readable);
  const { user, system } = process.cpuUsage(before);
  console.log(JSON.stringify({ cpuMs: (user + system) / 1000 }));
  await worker.stop();
}
