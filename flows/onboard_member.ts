import { Flow } from "pgflow/dsl";

/** Somebody who joins a team. */
export interface Member {
  name: string;
  team: string;
}

/** Gives a new member an account and a welcome; it runs by itself or for a whole team. */
export const OnboardMember = new Flow<Member>({ slug: "onboard_member" })
  .step("account", ({ run }) => ({ login: run.name.toLowerCase().replace(/[^a-z0-9]+/g, ".") }))
  .step("welcome", ["account"], ({ run, account }) => {
    return `Welcome to ${run.team}, ${run.name}! Your login is ${account.login}.`;
  });
