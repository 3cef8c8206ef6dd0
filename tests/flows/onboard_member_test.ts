import { assertEquals } from "@std/assert";
import { OnboardMember } from "../../flows/onboard_member.ts";
import { runInMemory } from "./run_in_memory.ts";

Deno.test("OnboardMember welcomes a member who joins alone", async () => {
  assertEquals(await runInMemory(OnboardMember, { name: "Ada Lovelace", team: "Engines" }), {
    welcome: "Welcome to Engines, Ada Lovelace! Your login is ada.lovelace.",
  });
});
