import { assertEquals } from "@std/assert";
import { OnboardTeam } from "../../flows/onboard_team.ts";
import { flowFixture } from "./flow_fixture.ts";

Deno.test("OnboardTeam runs the flow of a member for each of them", async () => {
  await using it = await flowFixture(OnboardTeam, {
    team: "Engines",
    names: ["Ada Lovelace", "Charles Babbage"],
  });

  assertEquals(await it.run(), {
    status: "completed",
    output: {
      welcomes: [
        "Welcome to Engines, Ada Lovelace! Your login is ada.lovelace.",
        "Welcome to Engines, Charles Babbage! Your login is charles.babbage.",
      ],
    },
  });
  const children = await it.sql`
    select flow_slug, status, input, parent_run_id, parent_step_slug, parent_task_index
    from pgflow.runs where parent_run_id is not null order by parent_task_index`;
  assertEquals(
    [...children],
    ["Ada Lovelace", "Charles Babbage"].map((name, index) => ({
      flow_slug: "onboard_member",
      status: "completed",
      input: { name, team: "Engines" },
      parent_run_id: it.runId,
      parent_step_slug: "onboarded",
      parent_task_index: index,
    })),
  );
});

Deno.test("OnboardTeam of a team without members welcomes nobody", async () => {
  await using it = await flowFixture(OnboardTeam, { team: "Engines", names: [] });
  assertEquals(await it.run(), { status: "completed", output: { welcomes: [] } });
});
