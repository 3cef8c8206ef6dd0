import { fileURLToPath } from "node:url";
import { FunctionsHost } from "../../../lib/local/functions_host.ts";

const host = new FunctionsHost([{
  name: "hanging",
  entrypoint: import.meta.resolve("../functions/hanging.ts"),
}], {
  config: fileURLToPath(import.meta.resolve("../../../deno.json")),
  env: { WITNESS_PORT: Deno.args[0]! },
  onLog: ({ text }) => console.log(text),
});

await host.fetch("hanging", new Request("http://gateway.test/hanging"), { path: "/hanging" });
