// What is pinned here is pinned by the type checker: each test compiles only as long as it holds.
import {
  type AnyFlow,
  type FailedRun,
  Flow,
  type FlowOutput,
  type HandlerContext,
  type Json,
  type StepInput,
  type StepOutput,
  type,
} from "pgflow/dsl";
import { Invite, Teams } from "./example_flows.ts";
import { holds, type Same } from "./same.ts";

interface Team {
  team: string;
  names: string[];
}

interface Invited {
  mail: { to: string };
  badge?: number;
}

Deno.test("Flow.approval() and Flow.mapApproval() take their output from an option", () => {
  holds<Same<StepOutput<typeof Teams, "budget">, { seats: number }>>();
  holds<Same<StepOutput<typeof Teams, "comment">, Json>>();
  holds<Same<StepOutput<typeof Teams, "votes">, ("yes" | "no")[]>>();
  holds<
    Same<
      StepInput<typeof Teams, "comment">,
      { run: { team: string; names: string[] }; names: string[]; budget: { seats: number } }
    >
  >();
  holds<Same<StepInput<typeof Teams, "votes">, string>>();

  // As libraries of schemas write them.
  const schema = {
    "~standard": {
      version: 1 as const,
      vendor: "elsewhere",
      validate: (value: unknown) => ({ value: value as number }),
      types: undefined as undefined | { input: string; output: number },
    },
  };
  const flow = new Flow<string[]>({ slug: "list" })
    .approval("number", { output: schema })
    .mapApproval("each", { output: type<boolean>(), whenExhausted: "skip" })
    .step("join", ["number", "each"], (payload) => {
      holds<Same<typeof payload, { run: string[]; number: number; each?: boolean[] }>>();
      return payload.each ?? null;
    });
  holds<Same<StepOutput<typeof flow, "each">, boolean[]>>();
});

Deno.test("Flow.subflow() and Flow.mapSubflow() have the output of the other flow", () => {
  holds<Same<FlowOutput<typeof Invite>, Invited>>();
  holds<Same<StepOutput<typeof Teams, "lead">, Invited>>();
  holds<Same<StepOutput<typeof Teams, "deputy">, Invited>>();
  holds<Same<StepOutput<typeof Teams, "members">, Invited[]>>();
  holds<Same<StepInput<typeof Teams, "deputy">, { run: Team; names: string[] }>>();
  holds<Same<StepInput<typeof Teams, "members">, string>>();

  Teams
    .step("sum", ["members", "lead"], ({ members, lead }) => {
      holds<Same<typeof members, Invited[]>>();
      return [lead.mail.to, ...members.map(({ mail }) => mail.to)];
    })
    .subflow("again", ["members"], Invite, (payload, context) => {
      holds<Same<typeof payload, { run: Team; members: Invited[] }>>();
      holds<Same<typeof context, HandlerContext<Team>>>();
      return { name: payload.members[0]!.mail.to };
    });
  const Many = new Flow<readonly string[]>({ slug: "many" })
    .mapSubflow("invited", Invite, (name) => ({ name }));
  const More = new Flow({ slug: "more" }).subflow("many", Many, () => ["Ada"]);
  holds<Same<FlowOutput<typeof More>, { many: { invited: Invited[] } }>>();
  const flows: AnyFlow[] = [Teams, Many, More];
  void flows;
});

Deno.test("Flow.onFailure() gives its handler the run that failed", () => {
  const flow = Invite.onFailure(({ run }, context) => {
    holds<Same<typeof run, FailedRun<{ name: string; admin?: boolean }>>>();
    holds<Same<typeof context, HandlerContext<typeof run>>>();
  });
  holds<Same<typeof flow, typeof Invite>>();
  flow.step("more", ["login"], ({ login }) => login).approval("last");
});

Deno.test("Flow.approval() and Flow.mapApproval() refuse what cannot be", () => {
  const refused = () => {
    // @ts-expect-error There is no step "nope".
    Teams.approval("a", ["nope"]);
    // @ts-expect-error The flow has a step "budget".
    Teams.approval("budget");
    // @ts-expect-error Nobody tries again.
    Teams.approval("a", { maxAttempts: 3 });
    // @ts-expect-error It starts when its dependencies are completed.
    Teams.approval("a", ["names"], { startDelay: 3 });
    // @ts-expect-error There is no property "size" in the input.
    Teams.approval("a", { runIf: { size: 3 } });
    // @ts-expect-error Somebody is the owner, has a role, or stands in the input.
    Teams.approval("a", { assignee: "manager" });
    // @ts-expect-error A handler answers for itself.
    Teams.step("a", () => 1, { assignee: "owner" });
    // @ts-expect-error An answer is JSON.
    Teams.approval("a", { output: type<Date>() });
    // @ts-expect-error It is not said what it is.
    Teams.approval("a", { output: type() });
    // @ts-expect-error A type is named by type<T>().
    Teams.approval("a", { output: "string" });
    // @ts-expect-error A handler's output is what it returns.
    Teams.step("a", () => 1, { output: type<number>() });
    // @ts-expect-error The flow's input is an object.
    Teams.mapApproval("a");
    // @ts-expect-error The budget is an object.
    Teams.mapApproval("a", "budget");
    // @ts-expect-error A map has one dependency at most.
    Teams.mapApproval("a", ["names", "votes"]);
  };
  void refused;
});

Deno.test("Flow.subflow() and Flow.mapSubflow() refuse what cannot be", () => {
  const refused = () => {
    // @ts-expect-error The other flow's input has a name.
    Teams.subflow("a", Invite, () => ({ team: "b" }));
    // @ts-expect-error Its name is a string.
    Teams.subflow("a", ["names"], Invite, async ({ names }) => {
      return await Promise.resolve({ name: names });
    });
    // @ts-expect-error There is no step "nope".
    Teams.subflow("a", ["nope"], Invite, () => ({ name: "b" }));
    // @ts-expect-error The flow has a step "lead".
    Teams.subflow("lead", Invite, () => ({ name: "b" }));
    // @ts-expect-error The input is said by a handler.
    Teams.subflow("a", Invite);
    // @ts-expect-error There is no such option.
    Teams.subflow("a", Invite, () => ({ name: "b" }), { retries: 1 });
    // @ts-expect-error A flow is run, not a slug.
    Teams.subflow("a", "invite", () => ({ name: "b" }));
    // @ts-expect-error The flow's input is an object.
    Teams.mapSubflow("a", Invite, () => ({ name: "b" }));
    // @ts-expect-error The budget is an object.
    Teams.mapSubflow("a", "budget", Invite, () => ({ name: "b" }));
    // @ts-expect-error An element is a string.
    Teams.mapSubflow("a", "names", Invite, ({ name }) => ({ name }));
  };
  void refused;
});
