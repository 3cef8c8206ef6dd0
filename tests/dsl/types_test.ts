// What is pinned here is pinned by the type checker: each test compiles only as long as it holds.
import {
  type AnyFlow,
  Flow,
  type FlowInput,
  type FlowOutput,
  type HandlerContext,
  type IsJson,
  type Json,
  type JsonProblem,
  type StepInput,
  type StepOutput,
  type StepSlug,
} from "pgflow/dsl";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true
  : false;

/** Compiles only for `holds<true>()`. */
function holds<Statement extends true>(): Statement | void {}

interface Order {
  id: string;
  plan: "free" | "pro";
  lines: { sku: string; amount: number }[];
  note?: string;
}

interface Tree {
  name: string;
  children: Tree[];
  parents: Record<string, Tree>;
}

/** As the Supabase CLI writes it into the types of a database. */
type SupabaseJson =
  | string
  | number
  | boolean
  | null
  | { [key: string]: SupabaseJson | undefined }
  | SupabaseJson[];

const Orders = new Flow<Order>({ slug: "orders" })
  .step("total", ({ run }) => run.lines.reduce((sum, { amount }) => sum + amount, 0))
  .step("tax", ["total"], async ({ total }) => await Promise.resolve({ amount: total / 5 }))
  .step({ slug: "label", maxAttempts: 2 }, ({ run }) => run.note ?? null)
  .step(
    { slug: "bill", dependsOn: ["total", "tax"], timeout: 5 },
    ({ run, total, tax }) => [run.id, total + tax.amount] as const,
  )
  .step("archive", [], ({ run }) => run);

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
  const flows: AnyFlow[] = [Orders, new Flow({ slug: "empty" }), new Flow<Tree>({ slug: "tree" })];
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

Deno.test("Flow.step() refuses an output that JSON cannot say", () => {
  const refused = () => {
    // @ts-expect-error A Date becomes a string.
    Orders.step("a", () => new Date());
    // @ts-expect-error Deep inside, in a promise, with dependencies.
    Orders.step("a", ["total"], async () => await Promise.resolve({ b: [{ c: new Date() }] }));
    // @ts-expect-error The object form as well.
    Orders.step({ slug: "a" }, () => ({ at: new Date() }));
    // @ts-expect-error A function disappears.
    Orders.step("a", () => ({ b: () => 1 }));
    // @ts-expect-error undefined disappears.
    Orders.step("a", ({ run }) => ({ note: run.note }));
    // @ts-expect-error undefined in an array becomes null.
    Orders.step("a", ({ run }) => [run.note]);
    // @ts-expect-error A handler that returns nothing returns null.
    Orders.step("a", () => {});
    // @ts-expect-error Neither does a promise of nothing.
    Orders.step("a", async () => await Promise.resolve());
    // @ts-expect-error It may return nothing.
    Orders.step("a", ({ run }) => run.note);
    // @ts-expect-error JSON.stringify throws on a bigint.
    Orders.step("a", () => ({ b: 1n }));
    // @ts-expect-error A symbol disappears.
    Orders.step("a", () => Symbol("b"));
    // @ts-expect-error A Map becomes {}.
    Orders.step("a", () => new Map([["b", 1]]));
    // @ts-expect-error A Set becomes {}.
    Orders.step("a", () => ({ b: new Set([1]) }));
    // @ts-expect-error Bytes become an object.
    Orders.step("a", () => new Uint8Array(1));
    // @ts-expect-error An instance loses its class.
    Orders.step("a", () => new URL("https://example.com"));
    // @ts-expect-error An error becomes {}.
    Orders.step("a", () => ({ error: new Error("b") }));
    // @ts-expect-error A promise inside an object is not awaited.
    Orders.step("a", () => ({ b: Promise.resolve(1) }));
    // @ts-expect-error Every value is a Date.
    Orders.step("a", (): Record<string, Date> => ({}));
    // @ts-expect-error One of two is a Date.
    Orders.step("a", (): [string, Date] => ["b", new Date()]);
    // @ts-expect-error Who knows.
    Orders.step("a", (): unknown => 1);
    // @ts-expect-error Who knows what it holds.
    Orders.step("a", (): Record<string, unknown> => ({}));
    // @ts-expect-error One of the union is not JSON.
    Orders.step("a", (): string | { at: Date } => "b");
  };
  void refused;
});

Deno.test("Flow.step() accepts whatever survives JSON", () => {
  const accepted = Orders
    .step("null", () => null)
    .step("text", () => "text")
    .step("union", ({ run }) => run.id === "" ? null : [1, "b", false])
    .step("optional", (): { a?: string; b?: { c?: number }[] } => ({}))
    .step("interface", (): Tree => ({ name: "root", children: [], parents: {} }))
    .step("tuple", () => [1, "b"] as [number, string])
    .step("frozen", (): Readonly<Order> & { readonly tags: readonly string[] } => {
      throw new Error("never called");
    })
    .step("json", (): Json => ({}))
    .step("nested", (): { payload: Json; list: Json[] } => ({ payload: 1, list: [] }))
    // It has the properties of an Error and is none.
    .step("letter", () => ({ name: "a", message: "b" }))
    .step("row", (): SupabaseJson => null)
    .step("absent", (): Partial<Record<string, number>> => ({}))
    .step("any", () => JSON.parse("{}"))
    .step("never", () => {
      throw new Error("never called");
    });
  holds<Same<StepOutput<typeof accepted, "null">, null>>();
  holds<Same<StepOutput<typeof accepted, "text">, string>>();
  holds<Same<StepOutput<typeof accepted, "union">, (string | number | boolean)[] | null>>();
  holds<Same<StepOutput<typeof accepted, "interface">, Tree>>();
  holds<Same<StepOutput<typeof accepted, "tuple">, [number, string]>>();
});

Deno.test("Flow refuses an input that JSON cannot say", () => {
  const refused = () => {
    // @ts-expect-error A Date becomes a string.
    new Flow<{ since: Date }>({ slug: "a" });
    // @ts-expect-error undefined is no JSON.
    new Flow<string | undefined>({ slug: "a" });
  };
  void refused;
  new Flow<Order>({ slug: "order" });
  new Flow<Tree[]>({ slug: "trees" });
  new Flow<string>({ slug: "text" });
  new Flow<null>({ slug: "nothing" });
});

Deno.test("Flow and Flow.step() refuse unknown options and wrong values", () => {
  const refused = () => {
    // @ts-expect-error It is maxAttempts.
    new Flow({ slug: "a", maxAttemps: 1 });
    // @ts-expect-error Seconds are a number.
    new Flow({ slug: "a", timeout: "1 minute" });
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

interface Ticket {
  plan: "free" | "pro";
  tags: string[];
  address: { city: string; zip?: string } | null;
}

const Tickets = new Flow<Ticket>({ slug: "tickets" })
  .step("words", ({ run }) => run.tags)
  .map("lengths", "words", (word) => word.length)
  .map("halves", "lengths", async (length) => await Promise.resolve({ half: length / 2 }))
  .step("sum", ["lengths", "halves"], ({ lengths, halves }) => lengths[0]! + halves[0]!.half);

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

Deno.test("JsonProblem says where a type is not JSON, and what to do", () => {
  holds<Same<JsonProblem<Date>, "$ is a Date: return its toISOString()">>();
  holds<Same<JsonProblem<{ a: { at: Date }[] }>, "$.a[].at is a Date: return its toISOString()">>();
  holds<
    Same<JsonProblem<void>, "$ is undefined: return null when there is nothing to return">
  >();
  holds<
    Same<
      JsonProblem<{ a: string | undefined }>,
      "$.a may be undefined: return null, or leave it out"
    >
  >();
  holds<Same<JsonProblem<unknown>, "$ is unknown: say what it is">>();
  holds<Same<JsonProblem<Order>, never>>();
  holds<Same<JsonProblem<[1, 2n]>, "$[] is a bigint: return String() of it">>();
  interface Branch {
    at: Date;
    branches: Branch[];
  }
  holds<Same<JsonProblem<Branch>, "$.at is a Date: return its toISOString()">>();
  holds<Same<IsJson<Tree>, true>>();
  holds<Same<IsJson<Json>, true>>();
  holds<Same<IsJson<Branch>, false>>();
});
