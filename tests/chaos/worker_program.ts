/**
 * A worker in a process of its own, for others to kill. Arguments: the database's URL and the name of
 * the function it stands for. SIGTERM stops it.
 *
 * @module
 */
import { runWorker } from "pgflow/worker";
import { served } from "./flows.ts";

const [databaseUrl, functionName] = Deno.args as [string, string];
const quiet = () => {};
const say = (message: string) => console.error(`${functionName} ${Deno.pid}: ${message}`);
const worker = runWorker(served[functionName]!, {
  databaseUrl,
  functionName,
  heartbeatSeconds: 0.3,
  pollSeconds: 1,
  giveUpSeconds: 3600,
  logger: { debug: quiet, info: quiet, warn: quiet, error: say },
});
Deno.addSignalListener("SIGTERM", () => worker.stop("SIGTERM"));
await worker.done;
Deno.exit(0);
