import { assertEquals } from "@std/assert";
import { compileFlow, Flow } from "pgflow/dsl";

const handler = () => null;

Deno.test("compileFlow() creates the flow, then its steps in the order they were added", () => {
  const flow = new Flow({ slug: "greet" })
    .step("full", handler)
    .step("mood", handler, { timeout: 10 })
    .step("greeting", ["mood", "full"], handler, { maxAttempts: 0, baseDelay: 1 });

  assertEquals(compileFlow(flow), [
    "select pgflow.create_flow(flow_slug => 'greet', max_attempts => 3, base_delay => 5, timeout => 60);",
    "select pgflow.add_step(flow_slug => 'greet', step_slug => 'full');",
    "select pgflow.add_step(flow_slug => 'greet', step_slug => 'mood', timeout => 10);",
    "select pgflow.add_step(flow_slug => 'greet', step_slug => 'greeting', " +
    "deps_slugs => array['mood', 'full']::text[], max_attempts => 0, base_delay => 1);",
  ]);
});

Deno.test("compileFlow() compiles a flow without steps", () => {
  assertEquals(compileFlow(new Flow({ slug: "empty", maxAttempts: 1, baseDelay: 0, timeout: 2 })), [
    "select pgflow.create_flow(flow_slug => 'empty', max_attempts => 1, base_delay => 0, timeout => 2);",
  ]);
});

Deno.test("compileFlow() says who may start a flow, how often, who watches and who answers", () => {
  const flow = new Flow({
    slug: "greet",
    startableBy: ["authenticated", "anon"],
    openRunsPerOwner: 2,
    startsPerMinutePerOwner: 3,
    broadcast: true,
  }).approval("ask", { assignee: "role:it's" });

  assertEquals(compileFlow(flow), [
    "select pgflow.create_flow(flow_slug => 'greet', max_attempts => 3, base_delay => 5, " +
    "timeout => 60, startable_by => array['anon', 'authenticated']::text[], " +
    "open_runs_per_owner => 2, starts_per_minute_per_owner => 3, broadcast => true);",
    "select pgflow.add_step(flow_slug => 'greet', step_slug => 'ask', " +
    "performed_by => 'approval', assignee => 'role:it''s');",
  ]);
});

Deno.test("compileFlow() says of maps, conditions and delays what is not the default", () => {
  const flow = new Flow<{ name: string }[]>({ slug: "greet" })
    .map("each", () => "a", { startDelay: 60, whenExhausted: "skip" })
    .step("some", ["each"], handler, {
      runIf: { run: [{ name: 'O\'Hara \\ "x"' }] },
      runUnless: { each: [] },
      whenUnmet: "skip",
    });

  assertEquals(compileFlow(flow).slice(1), [
    "select pgflow.add_step(flow_slug => 'greet', step_slug => 'each', start_delay => 60, " +
    "step_type => 'map', when_exhausted => 'skip');",
    "select pgflow.add_step(flow_slug => 'greet', step_slug => 'some', " +
    "deps_slugs => array['each']::text[], " +
    `required_input_pattern => '{"run":[{"name":"O''Hara \\\\ \\"x\\""}]}'::jsonb, ` +
    `forbidden_input_pattern => '{"each":[]}'::jsonb, when_unmet => 'skip');`,
  ]);
});

Deno.test("compileFlow() creates what a flow starts before the flow", () => {
  const child = new Flow({ slug: "child" }).step("only", handler);
  const flow = new Flow<string[]>({ slug: "greet" })
    .mapApproval("ask", { timeout: 9 })
    .mapSubflow("invite", "ask", child, handler)
    .onFailure(handler);

  assertEquals(compileFlow(flow), [
    ...compileFlow(child),
    ...compileFlow(flow.failureFlow!),
    "select pgflow.create_flow(flow_slug => 'greet', max_attempts => 3, base_delay => 5, " +
    "timeout => 60, on_failure_slug => 'greet_on_failure');",
    "select pgflow.add_step(flow_slug => 'greet', step_slug => 'ask', timeout => 9, " +
    "step_type => 'map', performed_by => 'approval');",
    "select pgflow.add_step(flow_slug => 'greet', step_slug => 'invite', " +
    "deps_slugs => array['ask']::text[], step_type => 'map', performed_by => 'subflow', " +
    "subflow_slug => 'child');",
  ]);
});
