// What is pinned here is pinned by the type checker: each test compiles only as long as it holds.
import {
  type AnyFlow,
  Flow,
  type FlowInput,
  type FlowOutput,
  type HandlerContext,
  type Json,
  type StepInput,
  type StepOutput,
  type StepSlug,
} from "pgflow/dsl";
import { type Order, Orders, type Ticket, Tickets } from "./example_flows.ts";
import { holds, type Same } from "./same.ts";

Deno.test("Flow infers the payload of a step from its input and dependencies", () => {
  holds<Same<StepInput<typeof Orders, "total">, { run: Order }>>();
  holds<Same<StepInput<typeof Orders, "tax">, { run: Order; total: number }>>();
  holds<Same<StepInput<typeof Orders, "label">, { run: Order }>>();
  holds<
    Same<StepInput<typeof Orders, "bill">, { run: Order; total: number; tax: { amount: number } }>
  >();
  holds<Same<StepInput<typeof Orders, "archive">, { run: Order }>>();

  Orders.step("mail", ["bill"], (payload, context) => {
    holds<Same<typeof payload, { run: Order; bill: readonly [string, number] }>>();
    holds<Same<typeof context, HandlerContext<Order>>>();
    // @ts-expect-error A step sees its direct dependencies only.
    return payload.total ?? null;
  });
});

Deno.test("Flow infers the output of a step from what its handler returns, awaited", () => {
  holds<Same<StepOutput<typeof Orders, "total">, number>>();
  holds<Same<StepOutput<typeof Orders, "tax">, { amount: number }>>();
  holds<Same<StepOutput<typeof Orders, "label">, string | null>>();
  holds<Same<StepOutput<typeof Orders, "bill">, readonly [string, number]>>();
  holds<Same<StepOutput<typeof Orders, "archive">, Order>>();
});

Deno.test("FlowInput, FlowOutput and StepSlug read a whole flow", () => {
  holds<Same<FlowInput<typeof Orders>, Order>>();
  holds<Same<StepSlug<typeof Orders>, "total" | "tax" | "label" | "bill" | "archive">>();
  holds<
    Same<
      FlowOutput<typeof Orders>,
      { label: string | null; bill: readonly [string, number]; archive: Order }
    >
  >();
  // deno-lint-ignore ban-types -- a flow without steps results in an object without properties
  holds<Same<FlowOutput<Flow<Order>>, {}>>();
  holds<Same<FlowInput<Flow>, Json>>();
});

Deno.test("Flow is an AnyFlow whatever its types", () => {
  const flows: AnyFlow[] = [
    Orders,
    new Flow({ slug: "empty" }),
    new Flow<Ticket[]>({ slug: "tickets" }),
  ];
  void flows;
});

Deno.test("Flow.step() takes a handler that was written elsewhere", () => {
  const shout = (payload: { run: { id: string } }) => payload.run.id.toUpperCase();
  const log = (_payload: unknown, context: HandlerContext) => context.runId;
  const flow = Orders.step("shout", shout).step("log", ["shout"], log);
  holds<Same<StepOutput<typeof flow, "shout">, string>>();
  holds<Same<StepOutput<typeof flow, "log">, string>>();

  // @ts-expect-error The flow's input has no property "name".
  Orders.step("greet", (payload: { run: { name: string } }) => payload.run.name);
});

Deno.test("Flow.map() infers the element and the gathered array", () => {
  holds<Same<StepInput<typeof Tickets, "lengths">, string>>();
  holds<Same<StepOutput<typeof Tickets, "lengths">, number[]>>();
  holds<Same<StepInput<typeof Tickets, "halves">, number>>();
  holds<Same<StepOutput<typeof Tickets, "halves">, { half: number }[]>>();
  holds<Same<FlowOutput<typeof Tickets>, { sum: number }>>();

  const Numbers = new Flow<readonly number[]>({ slug: "numbers" })
    .map("squares", (number, context) => {
      holds<Same<typeof number, number>>();
      holds<Same<typeof context, HandlerContext<readonly number[]>>>();
      return number * number;
    }, { maxAttempts: 1 })
    .step("all", ["squares"], ({ run, squares }) => [run, squares]);
  holds<Same<StepInput<typeof Numbers, "squares">, number>>();
  holds<Same<StepInput<typeof Numbers, "all">, { run: readonly number[]; squares: number[] }>>();

  const Pairs = new Flow<[string, number]>({ slug: "pairs" }).map("each", (element) => element);
  holds<Same<StepOutput<typeof Pairs, "each">, (string | number)[]>>();
});

Deno.test("Flow makes optional what may be skipped", () => {
  const flow = Tickets
    .step("alone", () => 1, { runIf: { plan: "pro" }, whenUnmet: "skip" })
    .step("exhausted", () => 2, { whenExhausted: "skip" })
    .step("cascade", () => 3, { runUnless: { plan: "pro" } })
    .step("failing", () => 4, { runIf: { plan: "pro" }, whenUnmet: "fail", whenExhausted: "fail" })
    .step("join", ["alone", "exhausted", "sum"], ({ sum }) => sum)
    .step("below", ["cascade", "failing"], ({ cascade }) => cascade)
    .step("deeper", ["below"], ({ below }) => below)
    .map("list", "words", (word) => word, { whenExhausted: "skip" })
    .map("letters", "list", (word) => word.length)
    .step("leaf", () => 5, { whenExhausted: "skip-cascade", startDelay: 60 });

  holds<
    Same<
      StepInput<typeof flow, "join">,
      { run: Ticket; sum: number; alone?: number; exhausted?: number }
    >
  >();
  // A cascade takes the step with it, so that its payload is whole when it runs.
  holds<
    Same<StepInput<typeof flow, "below">, { run: Ticket; cascade: number; failing: number }>
  >();
  // The map of a skipped step is one over an empty array.
  holds<Same<StepInput<typeof flow, "letters">, string>>();
  holds<
    Same<
      FlowOutput<typeof flow>,
      { join: number; letters: number[]; deeper?: number; leaf?: number }
    >
  >();
});
