import { assertEquals } from "@std/assert";
import { Flow, flowShape, type } from "pgflow/dsl";

const handler = () => null;

Deno.test("flowShape() says the defaults of a flow and leaves those of its steps to it", () => {
  const flow = new Flow({ slug: "greet" })
    .step("full", handler)
    .step("greeting", ["full"], handler);

  assertEquals(flowShape(flow), {
    max_attempts: 3,
    base_delay: 5,
    timeout: 60,
    retry_jitter: 0,
    on_failure_slug: null,
    startable_by: [],
    open_runs_per_owner: null,
    starts_per_minute_per_owner: null,
    broadcast: false,
    steps: [plain("full", []), plain("greeting", ["full"])],
  });
});

Deno.test("flowShape() says every option that was given", () => {
  const flow = new Flow({
    slug: "greet",
    maxAttempts: 7,
    baseDelay: 0,
    timeout: 1,
    retryJitter: 0.5,
    startableBy: ["authenticated", "anon", "anon"],
    openRunsPerOwner: 2,
    startsPerMinutePerOwner: 3,
    broadcast: true,
  })
    .step("full", handler, { maxAttempts: 1, baseDelay: 2, timeout: 3 });

  assertEquals(flowShape(flow), {
    max_attempts: 7,
    base_delay: 0,
    timeout: 1,
    retry_jitter: 0.5,
    on_failure_slug: null,
    startable_by: ["anon", "authenticated"],
    open_runs_per_owner: 2,
    starts_per_minute_per_owner: 3,
    broadcast: true,
    steps: [{ ...plain("full", []), max_attempts: 1, base_delay: 2, timeout: 3 }],
  });
});

Deno.test("flowShape() says which steps are maps, when steps run and what happens otherwise", () => {
  const flow = new Flow<{ plan: "free" | "pro" }[]>({ slug: "greet" })
    .map("each", handler, { startDelay: 9, whenExhausted: "skip" })
    .step("paid", ["each"], handler, { runIf: { run: [{ plan: "pro" }] }, whenUnmet: "fail" })
    .map("nulls", "each", handler, { runUnless: { each: [null] }, whenExhausted: "skip-cascade" });

  assertEquals(flowShape(flow).steps, [
    { ...plain("each", []), step_type: "map", start_delay: 9, when_exhausted: "skip" },
    {
      ...plain("paid", ["each"]),
      required_input_pattern: { run: [{ plan: "pro" }] },
      when_unmet: "fail",
    },
    {
      ...plain("nulls", ["each"]),
      step_type: "map",
      forbidden_input_pattern: { each: [null] },
      when_exhausted: "skip-cascade",
    },
  ]);
});

Deno.test("flowShape() says who performs a step, and which flow is for failures", () => {
  const child = new Flow({ slug: "child" });
  const flow = new Flow<string[]>({ slug: "greet" })
    .approval("ask", { timeout: 9, output: type<string>(), assignee: "role:manager" })
    .mapApproval("ask_each", { whenExhausted: "skip" })
    .subflow("run_child", child, handler, { maxAttempts: 1 })
    .mapSubflow("run_each", "ask_each", child, handler)
    .onFailure(handler);

  assertEquals(flowShape(flow), {
    max_attempts: 3,
    base_delay: 5,
    timeout: 60,
    retry_jitter: 0,
    on_failure_slug: "greet_on_failure",
    startable_by: [],
    open_runs_per_owner: null,
    starts_per_minute_per_owner: null,
    broadcast: false,
    steps: [
      { ...plain("ask", []), performed_by: "approval", timeout: 9, assignee: "role:manager" },
      {
        ...plain("ask_each", []),
        step_type: "map",
        performed_by: "approval",
        when_exhausted: "skip",
      },
      {
        ...plain("run_child", []),
        performed_by: "subflow",
        subflow_slug: "child",
        max_attempts: 1,
      },
      {
        ...plain("run_each", ["ask_each"]),
        step_type: "map",
        performed_by: "subflow",
        subflow_slug: "child",
      },
    ],
  });
});

Deno.test("flowShape() survives JSON and shares nothing with the flow", () => {
  const flow = new Flow({ slug: "greet" }).step("a", handler).step("b", ["a"], handler);
  const shape = flowShape(flow);
  assertEquals(JSON.parse(JSON.stringify(shape)), shape);
  shape.steps[1]!.deps_slugs.push("c");
  assertEquals(flow.getStep("b")!.dependencies, ["a"]);
});

function plain(step_slug: string, deps_slugs: string[]) {
  return {
    step_slug,
    deps_slugs,
    step_type: "single" as const,
    performed_by: "handler" as const,
    subflow_slug: null,
    assignee: null,
    required_input_pattern: null,
    forbidden_input_pattern: null,
    when_unmet: "skip-cascade" as const,
    when_exhausted: "fail" as const,
    max_attempts: null,
    base_delay: null,
    timeout: null,
    start_delay: null,
  };
}
