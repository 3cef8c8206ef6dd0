import { assertEquals, assertThrows } from "@std/assert";
import { type AnyFlow, Flow, hostedFlows, type } from "pgflow/dsl";

const handler = () => null;
const child = new Flow({ slug: "child" });

/** What a caller without types could write. */
// deno-lint-ignore no-explicit-any
function untyped(flow: Flow<any, any>): any {
  return flow;
}

Deno.test("Flow keeps who performs a step, whatever form the call has", () => {
  const output = type<string>();
  const toInput = () => null;
  const flow = untyped(new Flow<string[]>({ slug: "greet" }))
    .approval("a")
    .approval("b", { timeout: 9, output })
    .approval("c", ["a", "b"], { runIf: { a: 1 } })
    .mapApproval("d")
    .mapApproval("e", "d", { whenExhausted: "skip" })
    .subflow("f", child, toInput)
    .subflow("g", ["a"], child, toInput, { maxAttempts: 1, startDelay: 2 })
    .mapSubflow("h", child, toInput, { timeout: 3 })
    .mapSubflow("i", "d", child, toInput) as AnyFlow;

  const pictures = flow.steps.map(({ slug, dependencies, type, performedBy, subflow, options }) => [
    slug,
    [...dependencies],
    type,
    subflow === undefined ? performedBy : `${performedBy} ${subflow}`,
    options,
  ]);
  assertEquals(pictures, [
    ["a", [], "single", "approval", {}],
    ["b", [], "single", "approval", { timeout: 9, output }],
    ["c", ["a", "b"], "single", "approval", { runIf: { a: 1 } }],
    ["d", [], "map", "approval", {}],
    ["e", ["d"], "map", "approval", { whenExhausted: "skip" }],
    ["f", [], "single", "subflow child", {}],
    ["g", ["a"], "single", "subflow child", { maxAttempts: 1, startDelay: 2 }],
    ["h", [], "map", "subflow child", { timeout: 3 }],
    ["i", ["d"], "map", "subflow child", {}],
  ]);
  assertEquals(flow.steps.slice(5).map((step) => step.handler), [
    toInput,
    toInput,
    toInput,
    toInput,
  ]);
  assertThrows(
    () => flow.steps[0]!.handler({}, {} as never),
    TypeError,
    "Cannot run approval: it is answered by complete_step or fail_step",
  );
});

Deno.test("type() is a Standard Schema that takes every value", () => {
  const standard = type<string>()["~standard"] as unknown as {
    version: number;
    vendor: string;
    validate(value: unknown): unknown;
  };
  assertEquals([standard.version, standard.vendor, standard.validate(1)], [
    1,
    "pgflow",
    { value: 1 },
  ]);
});

Deno.test("Flow takes schemas that are functions, as some libraries make them", () => {
  const schema = Object.assign(() => {}, { "~standard": { version: 1 as const } });
  assertEquals(untyped(child).approval("a", { output: schema }).steps[0].options.output, schema);
});

Deno.test("Flow.subflows lists the flows below a flow once each, deepest first", () => {
  const leaf = new Flow({ slug: "leaf" });
  const branch = new Flow({ slug: "branch" })
    .subflow("one", leaf, handler)
    .subflow("two", leaf, handler);
  const tree = new Flow({ slug: "tree" })
    .subflow("first", branch, handler)
    .subflow("second", ["first"], leaf, handler)
    .step("last", handler);

  assertEquals([tree, branch, leaf].map(({ subflows }) => subflows.map(({ slug }) => slug)), [
    ["leaf", "branch"],
    ["leaf"],
    [],
  ]);
  assertThrows(() => (tree.subflows as unknown[]).push(1), TypeError);
});

Deno.test("Flow.onFailure() is a flow of one step that calls the hook", async () => {
  const calls: unknown[] = [];
  const before = new Flow({ slug: "greet", timeout: 5 }).step("a", handler);
  const flow = before
    .onFailure((payload, context) => Promise.resolve(calls.push([payload, context])))
    .step("b", handler);

  const { slug, options, steps, subflows, failureFlow } = flow.failureFlow!;
  assertEquals({ slug, options, steps: steps.length, subflows: [...subflows], failureFlow }, {
    slug: "greet_on_failure",
    options: {},
    steps: 1,
    subflows: [],
    failureFlow: undefined,
  });
  assertEquals(steps[0]!.slug, "on_failure");
  assertEquals(await steps[0]!.handler({ run: 1 }, { attempt: 2 } as never), null);
  assertEquals(calls, [[{ run: 1 }, { attempt: 2 }]]);
  assertEquals(before.failureFlow, undefined);
  assertEquals(flow.steps.map((step) => step.slug), ["a", "b"]);
});

Deno.test("hostedFlows() lists flows after those that they start", () => {
  const leaf = new Flow({ slug: "leaf" }).onFailure(handler);
  const branch = new Flow({ slug: "branch" }).subflow("leaf", leaf, handler);
  const tree = new Flow({ slug: "tree" }).subflow("branch", branch, handler).onFailure(handler);
  const slugs = (flows: AnyFlow | AnyFlow[]) => hostedFlows(flows).map(({ slug }) => slug);

  assertEquals([slugs(leaf), slugs(tree), slugs([child, branch, child, leaf])], [
    ["leaf_on_failure", "leaf"],
    ["leaf_on_failure", "leaf", "branch", "tree_on_failure", "tree"],
    ["child", "leaf_on_failure", "leaf", "branch"],
  ]);
  assertThrows(
    () => hostedFlows([tree, new Flow({ slug: "leaf" })]),
    TypeError,
    'Cannot host flow "leaf": there are two with this slug',
  );
});

const refusedApprovals: [args: unknown[], error: typeof TypeError, state: string][] = [
  [["b", ["c"]], TypeError, 'it depends on unknown step "c"'],
  [["b", "a"], TypeError, "its dependencies are not an array of slugs"],
  [["b", handler], TypeError, "its options are not an object"],
  [["b", { maxAttempts: 1 }], TypeError, 'there is no option "maxAttempts"'],
  [["b", { startDelay: 1 }], TypeError, 'there is no option "startDelay"'],
  [["b", { timeout: 0 }], RangeError, "its timeout is 0, not a whole number from 1"],
  [
    ["b", { output: { version: 1 } }],
    TypeError,
    "its output is not a Standard Schema, such as type<string>()",
  ],
  [
    ["b", { output: null }],
    TypeError,
    "its output is not a Standard Schema, such as type<string>()",
  ],
  [["a"], TypeError, "the flow has a step with this slug"],
  ...["manager", "role:", "user:", "user:run.", "user:run..id", "Owner", 1].map((assignee) =>
    [
      ["b", { assignee }],
      RangeError,
      'its assignee is not "owner", "role:<name>", "user" or "user:<path>"',
    ] as [unknown[], typeof RangeError, string]
  ),
  [
    ["b", ["a"], { assignee: "user:boss.id" }],
    TypeError,
    'its assignee is not in its input: "boss" is neither "run" nor a dependency',
  ],
  [
    ["b", { assignee: "user" }],
    TypeError,
    'its assignee is not in its input: "" is neither "run" nor a dependency',
  ],
];

for (const [args, ErrorClass, state] of refusedApprovals) {
  Deno.test(`Flow.approval() refuses ${describe(args)}: ${state}`, () => {
    const flow = new Flow({ slug: "greet" }).step("a", handler);
    const error = assertThrows(() => untyped(flow).approval(...args), ErrorClass);
    assertEquals(error.message, `Cannot add step "${args[0]}" to flow "greet": ${state}`);
  });
}

Deno.test("Flow.approval() and Flow.mapApproval() keep who may answer", () => {
  const flow = new Flow<{ boss: string }>({ slug: "greet" })
    .step("users", () => ["3d6f0a6e-5a2f-4d0c-8f5e-6f4d2f0f2b1a"])
    .approval("a", { assignee: "owner" })
    .approval("b", { assignee: "user:run.boss" })
    .approval("c", ["users"], { assignee: "user:users.0" })
    .mapApproval("d", "users", { assignee: "user" })
    .mapApproval("e", "users", { assignee: "role:a:b.c" });

  assertEquals(flow.steps.map(({ options }) => options.assignee), [
    undefined,
    "owner",
    "user:run.boss",
    "user:users.0",
    "user",
    "role:a:b.c",
  ]);
});

Deno.test("Flow.mapApproval() and Flow.mapSubflow() refuse several dependencies", () => {
  const flow = untyped(new Flow({ slug: "greet" }).step("a", handler).step("b", handler));
  for (
    const add of [
      () => flow.mapApproval("c", ["a", "b"]),
      () => flow.mapSubflow("c", ["a", "b"], child, handler),
    ]
  ) {
    const error = assertThrows(add, TypeError);
    assertEquals(
      error.message,
      'Cannot add step "c" to flow "greet": a map names its only dependency, not an array',
    );
  }
});

const greet = new Flow({ slug: "greet" });
const greetHook = new Flow({ slug: "greet_on_failure" });
const refusedSubflows: [args: unknown[], state: string][] = [
  [["b", child], "its handler is not a function"],
  [["b", handler], "its dependencies are not an array of slugs"],
  [["b", [], "child", handler], "its subflow is not a flow"],
  [["b", [], { slug: "child" }, handler], "its subflow is not a flow"],
  [["b", child, handler, { output: type<string>() }], 'there is no option "output"'],
  [["b", greet, handler], 'flow "greet" would be its own subflow'],
  [
    ["b", new Flow({ slug: "c" }).subflow("d", greet, handler), handler],
    'flow "greet" would be its own subflow',
  ],
  [
    ["b", new Flow({ slug: "child" }), handler],
    'the flow starts another flow "child" already',
  ],
  [["b", greetHook, handler], 'the flow starts another flow "greet_on_failure" already'],
];

for (const [args, state] of refusedSubflows) {
  Deno.test(`Flow.subflow() refuses ${describe(args)}: ${state}`, () => {
    const flow = greet.subflow("a", child, handler).onFailure(handler);
    const error = assertThrows(() => untyped(flow).subflow(...args), TypeError);
    assertEquals(error.message, `Cannot add step "b" to flow "greet": ${state}`);
  });
}

const long = "f".repeat(37);
const refusedHooks: [flow: AnyFlow, hook: unknown, error: typeof TypeError, state: string][] = [
  [greet, "hook", TypeError, "it is not a function"],
  [greet.onFailure(handler), handler, TypeError, "it has one"],
  [
    greet.subflow("a", greetHook, handler),
    handler,
    TypeError,
    'one of its subflows is named "greet_on_failure"',
  ],
  [
    new Flow({ slug: long }),
    handler,
    RangeError,
    `the flow's slug is longer than 36 characters, too long for "${long}_on_failure"`,
  ],
];

for (const [flow, hook, ErrorClass, state] of refusedHooks) {
  Deno.test(`Flow.onFailure() refuses, for ${flow.slug}: ${state}`, () => {
    const error = assertThrows(() => untyped(flow as Flow).onFailure(hook), ErrorClass);
    assertEquals(error.message, `Cannot add hook for failures to flow "${flow.slug}": ${state}`);
  });
}

Deno.test("Flow.onFailure() takes a flow with a slug of 36 characters", () => {
  assertEquals(
    new Flow({ slug: "f".repeat(36) }).onFailure(handler).failureFlow!.slug,
    `${"f".repeat(36)}_on_failure`,
  );
});

function describe(args: unknown[]): string {
  return JSON.stringify(args, (_, value) => {
    if (typeof value === "function") return "handler";
    return value instanceof Flow ? `flow ${value.slug}` : value;
  });
}
