import { Flow } from "pgflow/dsl";
import { OnboardMember } from "./onboard_member.ts";

/** Agrees with somebody, has the flow of a new member run for them, and tells the team. */
export const HireEngineer = new Flow<{ name: string; team: string; days: number }>({
  slug: "hire_engineer",
})
  .step("contract", ({ run }) => ({ salary: run.days * 1000 }))
  .subflow("onboarded", ["contract"], OnboardMember, ({ run }) => ({
    name: run.name,
    team: run.team,
  }))
  .step("announcement", ["contract", "onboarded"], ({ run, contract, onboarded }) => ({
    to: run.team,
    text: `${run.name} is with us ${run.days} days a week, for ${contract.salary} a month.`,
    welcome: onboarded.welcome,
  }));
