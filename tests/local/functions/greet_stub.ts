import { Flow } from "pgflow/dsl";
import { flowWorker } from "pgflow/worker";

const GreetStub = new Flow<{ name: string }>({ slug: "greet_stub" })
  .step("hello", ({ run }) => `Hello, ${run.name}`)
  .step("shout", ["hello"], ({ hello }) => hello.toUpperCase());

Deno.serve(flowWorker(GreetStub));
