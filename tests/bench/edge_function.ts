/**
 * An edge function with a flow of its own, named as the function is, whose handler says that it runs.
 *
 * @module
 */
import { Flow } from "pgflow/dsl";
import { flowWorker } from "pgflow/worker";

const slug = Deno.env.get("SUPABASE_FUNCTION_SLUG")!;

const flow = new Flow<number>({ slug }).step("act", ({ run }, { log }) => {
  log.info("handled");
  return run;
});

Deno.serve(flowWorker(flow, { idleSeconds: Number(Deno.env.get("BENCH_IDLE_SECONDS")) }));
