import { flowWorker } from "pgflow/worker";
import { served } from "../flows.ts";

Deno.serve(flowWorker(served.chaos_orders!, { heartbeatSeconds: 0.5, idleSeconds: 2 }));
