import { flowWorker } from "pgflow/worker";
import { GreetUser } from "../../flows/greet_user.ts";

Deno.serve(flowWorker(GreetUser));
