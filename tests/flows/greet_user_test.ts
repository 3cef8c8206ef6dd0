import { assertEquals } from "@std/assert";
import type { FlowInput, FlowOutput } from "pgflow/dsl";
import { GreetUser } from "../../flows/greet_user.ts";
import { runInMemory } from "./run_in_memory.ts";

Deno.test("GreetUser greets by the full name", async () => {
  const input: FlowInput<typeof GreetUser> = { first_name: "Ada", last_name: "Lovelace" };
  const output: FlowOutput<typeof GreetUser> = { greeting: "Hello, Ada Lovelace!" };
  assertEquals(await runInMemory(GreetUser, input), output);
});
