import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { Flow } from "pgflow/dsl";

const handler = () => null;

/** What a caller without types could write. */
// deno-lint-ignore no-explicit-any
function untyped(flow: Flow<any, any> = new Flow({ slug: "greet" })): any {
  return flow;
}

Deno.test("Flow keeps its steps in the order they were added, each as it was given", () => {
  const full = () => "Ada Lovelace";
  const greeting = () => "Hello";
  const flow = new Flow<{ name: string }>({ slug: "greet", maxAttempts: 5, baseDelay: 0 })
    .step("full", full)
    .step("greeting", ["full"], greeting, { timeout: 10 })
    .step({ slug: "mail", dependsOn: ["full", "greeting"], maxAttempts: 1 }, handler)
    .step({ slug: "log" }, handler);

  assertEquals({ slug: flow.slug, options: flow.options, steps: [...flow.steps] }, {
    slug: "greet",
    options: { maxAttempts: 5, baseDelay: 0 },
    steps: [
      step("full", [], {}, full),
      step("greeting", ["full"], { timeout: 10 }, greeting),
      step("mail", ["full", "greeting"], { maxAttempts: 1 }, handler),
      step("log", [], {}, handler),
    ],
  });
});

Deno.test("Flow.map() adds a step with a task per element", () => {
  const each = (element: string) => element;
  const options = { runIf: { all: ["a"] }, whenUnmet: "skip", startDelay: 0 } as const;
  const flow = new Flow<string[]>({ slug: "greet" })
    .map("all", each)
    .map("again", "all", each, options);

  assertEquals([...flow.steps], [
    { ...step("all", [], {}, each) as object, type: "map" } as never,
    { ...step("again", ["all"], options, each) as object, type: "map" } as never,
  ]);
});

function step(slug: string, dependencies: string[], options: object, handler: unknown) {
  return { slug, dependencies, type: "single", performedBy: "handler", options, handler } as never;
}

Deno.test("Flow.step() leaves the flow as it was, so that flows can branch", () => {
  const base = new Flow({ slug: "base", timeout: 7 }).step("a", handler);
  const left = base.step("b", handler);
  const right = base.step("b", ["a"], handler);

  assertEquals(
    [base, left, right].map((
      flow,
    ) => [flow.slug, flow.options, flow.steps.map(({ slug }) => slug)]),
    [
      ["base", { timeout: 7 }, ["a"]],
      ["base", { timeout: 7 }, ["a", "b"]],
      ["base", { timeout: 7 }, ["a", "b"]],
    ],
  );
  assertNotEquals(left.getStep("b"), right.getStep("b"));
  assertThrows(() => (left.steps as unknown[]).push(1), TypeError);
  assertThrows(() => (left.getStep("b")!.dependencies as unknown[]).push("a"), TypeError);
});

Deno.test("Flow.getStep() finds a step by its slug", () => {
  const flow = new Flow({ slug: "greet" }).step("a", handler).step("b", ["a"], handler);
  assertEquals(flow.getStep("b"), flow.steps[1]);
  assertEquals(flow.getStep("c"), undefined);
});

Deno.test("Flow takes undefined for an option that was not given", () => {
  const flow = untyped(untyped(new Flow({ slug: "greet", ...{ timeout: undefined } as object })))
    .step("a", handler, { timeout: undefined, maxAttempts: 1 });
  assertEquals([flow.options, flow.getStep("a").options], [{}, { maxAttempts: 1 }]);
});

Deno.test("Flow has names of up to 47 characters, and steps of up to 128", () => {
  const [long, longer] = ["f".repeat(47), "s".repeat(128)];
  assertEquals(untyped(new Flow({ slug: long })).step(longer, handler).steps[0].slug, longer);

  assertThrows(
    () => new Flow({ slug: `${long}f` }),
    RangeError,
    `Cannot create flow "${long}f": its slug is longer than 47 characters`,
  );
  assertThrows(
    () => untyped().step(`${longer}s`, handler),
    RangeError,
    `Cannot add step "${longer}s" to flow "greet": its slug is longer than 128 characters`,
  );
});

const refusedFlows: [definition: unknown, error: typeof TypeError, message: string][] = [
  [undefined, TypeError, 'Cannot create flow: it is not defined by an object like { slug: "x" }'],
  ["greet", TypeError, 'Cannot create flow: it is not defined by an object like { slug: "x" }'],
  [{}, TypeError, "Cannot create flow undefined: its slug is not a string"],
  [{ slug: 1 }, TypeError, "Cannot create flow 1: its slug is not a string"],
  [
    { slug: "" },
    RangeError,
    'Cannot create flow "": a slug is letters, digits and _, and does not start with a digit',
  ],
  [
    { slug: "send-mail" },
    RangeError,
    'Cannot create flow "send-mail": a slug is letters, digits and _, and does not start with a digit',
  ],
  [
    { slug: "greet\n" },
    RangeError,
    'Cannot create flow "greet\\n": a slug is letters, digits and _, and does not start with a digit',
  ],
  [
    { slug: "run" },
    RangeError,
    'Cannot create flow "run": the name is reserved for the flow\'s input',
  ],
  [
    { slug: "greet", maxAttemps: 1 },
    TypeError,
    'Cannot create flow "greet": there is no option "maxAttemps"',
  ],
  [
    { slug: "greet", toString: 1 },
    TypeError,
    'Cannot create flow "greet": there is no option "toString"',
  ],
  [
    { slug: "greet", timeout: "60" },
    TypeError,
    'Cannot create flow "greet": its timeout is not a number',
  ],
  [
    { slug: "greet", timeout: 0 },
    RangeError,
    'Cannot create flow "greet": its timeout is 0, not a whole number from 1',
  ],
  [
    { slug: "greet", baseDelay: -1 },
    RangeError,
    'Cannot create flow "greet": its baseDelay is -1, not a whole number from 0',
  ],
  [
    { slug: "greet", retryJitter: 1.1 },
    RangeError,
    'Cannot create flow "greet": its retryJitter is 1.1, not a number from 0 to 1',
  ],
  [
    { slug: "greet", maxAttempts: 1.5 },
    RangeError,
    'Cannot create flow "greet": its maxAttempts is 1.5, not a whole number from 0',
  ],
  [
    { slug: "greet", timeout: Infinity },
    RangeError,
    'Cannot create flow "greet": its timeout is Infinity, not a whole number from 1',
  ],
  [
    { slug: "greet", timeout: 2 ** 31 },
    RangeError,
    'Cannot create flow "greet": its timeout is 2147483648, not a whole number from 1',
  ],
  [
    { slug: "greet", startableBy: "anon" },
    TypeError,
    'Cannot create flow "greet": its startableBy is not an array of roles',
  ],
  [
    { slug: "greet", startableBy: ["anon", "service_role"] },
    RangeError,
    'Cannot create flow "greet": its startableBy has another role than "anon" and "authenticated"',
  ],
  [
    { slug: "greet", openRunsPerOwner: 0 },
    RangeError,
    'Cannot create flow "greet": its openRunsPerOwner is 0, not a whole number from 1',
  ],
  [
    { slug: "greet", startsPerMinutePerOwner: null },
    TypeError,
    'Cannot create flow "greet": its startsPerMinutePerOwner is not a number',
  ],
  [
    { slug: "greet", broadcast: "yes" },
    TypeError,
    'Cannot create flow "greet": its broadcast is not true or false',
  ],
];

for (const [definition, ErrorClass, message] of refusedFlows) {
  Deno.test(`Flow throws ${message}`, () => {
    const error = assertThrows(() => new Flow(definition as { slug: string }), ErrorClass);
    assertEquals(error.message, message);
  });
}

const refusedSteps: [args: unknown[], error: typeof TypeError, state: string][] = [
  [["a", handler], TypeError, "the flow has a step with this slug"],
  [["b", ["c"], handler], TypeError, 'it depends on unknown step "c"'],
  [[{ slug: "b", dependsOn: ["c"] }, handler], TypeError, 'it depends on unknown step "c"'],
  [["b", ["toString"], handler], TypeError, 'it depends on unknown step "toString"'],
  [["b", [1], handler], TypeError, "it depends on unknown step 1"],
  [["b", ["b"], handler], TypeError, "it depends on itself"],
  [["b", ["a", "a"], handler], TypeError, 'it depends on step "a" twice'],
  [["b", "a", handler], TypeError, "its dependencies are not an array of slugs"],
  [["b", undefined, handler], TypeError, "its dependencies are not an array of slugs"],
  [["b", ["a"]], TypeError, "its handler is not a function"],
  [["b", ["a"], { timeout: 1 }], TypeError, "its handler is not a function"],
  [[{ slug: "b" }], TypeError, "its handler is not a function"],
  [["b"], TypeError, "its dependencies are not an array of slugs"],
  [["b", handler, 5], TypeError, "its options are not an object"],
  [["b", ["a"], handler, null], TypeError, "its options are not an object"],
  [["b", handler, { retries: 5 }], TypeError, 'there is no option "retries"'],
  [[{ slug: "b", dependOn: [] }, handler], TypeError, 'there is no option "dependOn"'],
  [["b", handler, { timeout: 0.5 }], RangeError, "its timeout is 0.5, not a whole number from 1"],
  [["b", handler, { timeout: NaN }], RangeError, "its timeout is NaN, not a whole number from 1"],
  [
    ["b", handler, { startDelay: -1 }],
    RangeError,
    "its startDelay is -1, not a whole number from 0",
  ],
  [["b", handler, { runIf: [1] }], TypeError, "its runIf is not an object"],
  [["b", handler, { runUnless: null }], TypeError, "its runUnless is not an object"],
  [
    ["b", handler, { runIf: { at: new Date(0) } }],
    TypeError,
    "its runIf is not JSON: $.at is a Date",
  ],
  [
    ["b", handler, { whenExhausted: "ignore" }],
    RangeError,
    'its whenExhausted is not "skip-cascade", "skip" or "fail"',
  ],
  [
    ["b", handler, { whenUnmet: "skip" }],
    TypeError,
    "it has whenUnmet, but neither runIf nor runUnless",
  ],
  [["run", handler], RangeError, "the name is reserved for the flow's input"],
  [
    ["1st", handler],
    RangeError,
    "a slug is letters, digits and _, and does not start with a digit",
  ],
];

for (const [args, ErrorClass, state] of refusedSteps) {
  Deno.test(`Flow.step() refuses ${describe(args)}: ${state}`, () => {
    const flow = new Flow({ slug: "greet" }).step("a", handler);
    const error = assertThrows(() => untyped(flow).step(...args), ErrorClass);
    const [first] = args as [string | { slug: string }];
    const slug = typeof first === "string" ? first : first.slug;
    assertEquals(error.message, `Cannot add step "${slug}" to flow "greet": ${state}`);
  });
}

const refusedMaps: [args: unknown[], error: typeof TypeError, state: string][] = [
  [["b", "c", handler], TypeError, 'it depends on unknown step "c"'],
  [["b", ["a"], handler], TypeError, "a map names its only dependency, not an array"],
  [["b"], TypeError, "it depends on unknown step undefined"],
  [["b", "a"], TypeError, "its handler is not a function"],
  [["b", handler, { concurrency: 1 }], TypeError, 'there is no option "concurrency"'],
];

for (const [args, ErrorClass, state] of refusedMaps) {
  Deno.test(`Flow.map() refuses ${describe(args)}: ${state}`, () => {
    const flow = new Flow({ slug: "greet" }).step("a", handler);
    const error = assertThrows(() => untyped(flow).map(...args), ErrorClass);
    assertEquals(error.message, `Cannot add step "b" to flow "greet": ${state}`);
  });
}

function describe(args: unknown[]): string {
  return JSON.stringify(args, (_, value) => typeof value === "function" ? "handler" : value);
}
