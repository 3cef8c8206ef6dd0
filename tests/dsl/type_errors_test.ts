// What is pinned here is pinned by the type checker: each test compiles only as long as it holds.
import { Flow, type Json, type StepOutput } from "pgflow/dsl";
import { Orders, Tickets } from "./example_flows.ts";
import { holds, type Same } from "./same.ts";

Deno.test("Flow.step() refuses unknown dependencies", () => {
  const refused = () => {
    // @ts-expect-error There is no step "nope".
    Orders.step("a", ["nope"], () => 1);
    // @ts-expect-error One of them is unknown.
    Orders.step("a", ["total", "nope"], () => 1);
    // @ts-expect-error There is no step "nope".
    Orders.step({ slug: "a", dependsOn: ["nope"] }, () => 1);
    // @ts-expect-error A flow without steps has nothing to depend on.
    new Flow({ slug: "empty" }).step("a", ["b"], () => 1);
    // @ts-expect-error A step is added after those it depends on.
    new Flow({ slug: "cycle" }).step("a", ["b"], () => 1).step("b", ["a"], () => 1);
    // @ts-expect-error Any text may be unknown.
    Orders.step("a", ["total" as string], () => 1);
  };
  void refused;
});

Deno.test("Flow.step() refuses duplicate, reserved and invalid slugs", () => {
  const refused = () => {
    // @ts-expect-error The flow has a step "total".
    Orders.step("total", () => 1);
    // @ts-expect-error The flow has a step "total".
    Orders.step({ slug: "total" }, () => 1);
    // @ts-expect-error The payload has the flow's input under this name.
    Orders.step("run", () => 1);
    // @ts-expect-error A slug is not empty.
    Orders.step("", () => 1);
    // @ts-expect-error A slug has no hyphen.
    Orders.step("send-mail", () => 1);
    // @ts-expect-error A slug does not start with a digit.
    Orders.step("2nd", ["total"], () => 1);
    // @ts-expect-error A slug has no letters but those of ASCII.
    Orders.step({ slug: "größe" }, () => 1);
  };
  void refused;
  const accepted = Orders.step("_", () => 1).step("A_z09", () => 1).step("run_", () => 1);
  holds<Same<StepOutput<typeof accepted, "A_z09">, number>>();
  // A slug that is not known to the type is checked at run time only.
  Orders.step(crypto.randomUUID().replaceAll("-", "_").replace(/^/, "s"), () => 1);
});

Deno.test("Flow and Flow.step() refuse unknown options and wrong values", () => {
  const refused = () => {
    // @ts-expect-error It is maxAttempts.
    new Flow({ slug: "a", maxAttemps: 1 });
    // @ts-expect-error Seconds are a number.
    new Flow({ slug: "a", timeout: "1 minute" });
    // @ts-expect-error The server may start every flow.
    new Flow({ slug: "a", startableBy: ["service_role"] });
    // @ts-expect-error Roles are several.
    new Flow({ slug: "a", startableBy: "anon" });
    // @ts-expect-error Who may start it is not said step by step.
    Orders.step("a", () => 1, { startableBy: ["anon"] });
    // @ts-expect-error It is maxAttempts.
    Orders.step("a", () => 1, { timeout: 1, maxAttemps: 1 });
    // @ts-expect-error It is timeout.
    Orders.step("a", ["total"], () => 1, { timeOut: 1 });
    // @ts-expect-error It is dependsOn.
    Orders.step({ slug: "a", dependOn: ["total"] }, () => 1);
    // @ts-expect-error A step has a handler.
    Orders.step("a");
    // @ts-expect-error A step has a handler.
    Orders.step("a", ["total"]);
  };
  void refused;
});

Deno.test("Flow.map() refuses what is not an array, and what .step() refuses", () => {
  const refused = () => {
    // @ts-expect-error The flow's input is an object.
    Tickets.map("a", (element: unknown) => String(element));
    // @ts-expect-error The sum is a number.
    Tickets.map("a", "sum", () => 1);
    // @ts-expect-error There is no step "nope".
    Tickets.map("a", "nope", () => 1);
    // @ts-expect-error A map has one dependency at most.
    Tickets.map("a", ["words", "lengths"], () => 1);
    // @ts-expect-error The flow has a step "sum".
    Tickets.map("sum", "words", () => 1);
    // @ts-expect-error An element's output is JSON.
    Tickets.map("a", "words", () => new Date());
    // @ts-expect-error There is no such option.
    Tickets.map("a", "words", () => 1, { timeout: 1, retries: 1 });
    // @ts-expect-error The handler gets a string.
    Tickets.map("a", "words", (word: number) => word);
  };
  void refused;
});

Deno.test("runIf and runUnless are parts of the flow's input, or of the payload", () => {
  Tickets
    .step("a", () => 1, { runIf: { plan: "pro", tags: ["urgent"] } })
    .step("b", ["sum"], () => 1, { runIf: { run: { address: { city: "Oslo" } }, sum: 3 } })
    .step("c", ["words"], () => 1, { runUnless: { words: [], run: { address: null } } })
    .map("d", "words", () => 1, { runIf: { words: ["a"] } })
    .step({ slug: "e", runIf: { address: { zip: "1" } }, whenUnmet: "fail" }, () => 1);
  // Where the type knows nothing, any object may match.
  new Flow<{ data: Json }>({ slug: "any" }).step("a", () => 1, { runIf: { data: { b: [1] } } });

  const refused = () => {
    // @ts-expect-error There is no plan "gold".
    Tickets.step("a", () => 1, { runIf: { plan: "gold" } });
    // @ts-expect-error There is no property "plam".
    Tickets.step("a", () => 1, { runIf: { plan: "pro", plam: 1 } });
    // @ts-expect-error There is no property "country" in an address.
    Tickets.step("a", () => 1, { runUnless: { address: { city: "Oslo", country: "NO" } } });
    // @ts-expect-error The input of a step with dependencies has the flow's input under "run".
    Tickets.step("a", ["sum"], () => 1, { runIf: { plan: "pro" } });
    // @ts-expect-error The sum is a number.
    Tickets.step("a", ["sum"], () => 1, { runIf: { sum: "3" } });
    // @ts-expect-error The step does not depend on "words".
    Tickets.step("a", ["sum"], () => 1, { runIf: { sum: 1, words: [] } });
    // @ts-expect-error There is no plan "gold".
    Tickets.step({ slug: "a", runIf: { plan: "gold" } }, () => 1);
    // @ts-expect-error The input is no object.
    new Flow<string>({ slug: "text" }).step("a", () => 1, { runIf: { a: 1 } });
    // @ts-expect-error The input is an array.
    new Flow<string[]>({ slug: "list" }).map("a", () => 1, { runIf: { a: 1 } });
    // @ts-expect-error There is no such choice.
    Tickets.step("a", () => 1, { whenExhausted: "ignore" });
  };
  void refused;
});
