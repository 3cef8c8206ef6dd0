import { assertEquals } from "@std/assert";
import { HireEngineer } from "../../flows/hire_engineer.ts";
import { flowFixture } from "./flow_fixture.ts";

Deno.test("HireEngineer waits for the flow of the new member and goes on with its output", async () => {
  await using it = await flowFixture(HireEngineer, {
    name: "Ada Lovelace",
    team: "Engines",
    days: 4,
  });

  assertEquals(await it.run(), {
    status: "completed",
    output: {
      announcement: {
        to: "Engines",
        text: "Ada Lovelace is with us 4 days a week, for 4000 a month.",
        welcome: "Welcome to Engines, Ada Lovelace! Your login is ada.lovelace.",
      },
    },
  });
  const children = await it.sql`
    select flow_slug, status, input, parent_run_id, parent_step_slug, parent_task_index
    from pgflow.runs where parent_run_id is not null`;
  assertEquals([...children], [{
    flow_slug: "onboard_member",
    status: "completed",
    input: { name: "Ada Lovelace", team: "Engines" },
    parent_run_id: it.runId,
    parent_step_slug: "onboarded",
    parent_task_index: 0,
  }]);
});
