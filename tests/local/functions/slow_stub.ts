import { Flow } from "pgflow/dsl";
import { flowWorker } from "pgflow/worker";

/** Takes its time, unless it is told to stop. */
function slowly(value: number, signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(value + 1), 500);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

const SlowStub = new Flow<number>({ slug: "slow_stub", baseDelay: 0, timeout: 2 })
  .step("first", ({ run }, { signal }) => slowly(run, signal))
  .step("second", ["first"], ({ first }, { signal }) => slowly(first, signal))
  .step("third", ["second"], ({ second }, { signal }) => slowly(second, signal))
  .step("fourth", ["third"], ({ third }, { signal }) => slowly(third, signal))
  .step("fifth", ["fourth"], ({ fourth }, { signal }) => slowly(fourth, signal));

Deno.serve(flowWorker(SlowStub));
