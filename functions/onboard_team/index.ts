import { flowWorker } from "pgflow/worker";
import { OnboardTeam } from "../../flows/onboard_team.ts";

// It works on the flow of each member as well, which this one starts.
Deno.serve(flowWorker(OnboardTeam));
