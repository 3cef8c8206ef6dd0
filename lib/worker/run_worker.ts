import { type AnyFlow, hostedFlows } from "../dsl/mod.ts";
import { checkOptions, resolveOptions, type WorkerOptions } from "./options.ts";
import { platform } from "./platform.ts";
import { RunningWorker } from "./running_worker.ts";

/**
 * Starts a worker in this process, without HTTP, until it is stopped by `stop()` or by the
 * option `signal`. It also works on the flows that its flows start: subflows and hooks.
 *
 * @example
 * ```ts
 * import { Flow } from "pgflow/dsl";
 * import { runWorker } from "pgflow/worker";
 *
 * const Shout = new Flow<{ text: string }>({ slug: "shout" })
 *   .step("upper", ({ run }) => run.text.toUpperCase());
 *
 * export async function main(signal: AbortSignal): Promise<void> {
 *   await runWorker(Shout, { signal }).done;
 * }
 * ```
 */
export function runWorker(
  flows: AnyFlow | readonly AnyFlow[],
  options: WorkerOptions = {},
): RunningWorker {
  const list = hostedFlows(flows);
  const name = ([flows].flat() as AnyFlow[])[0]!.slug;
  const withDefaults = { idleSeconds: Infinity, ...options };
  checkOptions(withDefaults);
  return new RunningWorker(list, resolveOptions(withDefaults, name, platform.env()), {
    isEdgeFunction: false,
    lastRequestAge: () => 0,
  });
}
