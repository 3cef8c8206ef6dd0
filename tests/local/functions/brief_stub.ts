import { Flow } from "pgflow/dsl";
import { flowWorker } from "pgflow/worker";

const BriefStub = new Flow<number>({ slug: "brief_stub" }).step("act", ({ run }) => run + 1);

Deno.serve(flowWorker(BriefStub, { idleSeconds: 0 }));
