import { Flow } from "pgflow/dsl";
import { OnboardMember } from "./onboard_member.ts";

/** Runs the flow of one member for each member of a team, all at the same time. */
export const OnboardTeam = new Flow<{ team: string; names: string[] }>({ slug: "onboard_team" })
  .step("members", ({ run }) => run.names.map((name) => ({ name, team: run.team })))
  .mapSubflow("onboarded", "members", OnboardMember, (member) => member)
  .step("welcomes", ["onboarded"], ({ onboarded }) => onboarded.map(({ welcome }) => welcome));
