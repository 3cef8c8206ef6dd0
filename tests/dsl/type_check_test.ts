import { assert, assertEquals } from "@std/assert";
import { generateFlow, typeCheck } from "./generated_flow.ts";

Deno.test("Flow with 100 steps type-checks in less than 20 seconds", async () => {
  const { ok, said, ms } = await typeCheck(generateFlow(100));
  assertEquals({ ok, said }, { ok: true, said: "" });
  assert(ms < 20_000, `It took ${ms} ms`);
});

Deno.test("Flow.step() says in the compiler's message what is wrong", async () => {
  const dsl = JSON.stringify(new URL("../../lib/dsl/mod.ts", import.meta.url).href);
  const { ok, said } = await typeCheck(`
    import { Flow, type } from ${dsl};
    const flow = new Flow<{ at: string }>({ slug: "greet" })
      .step("a", ({ run }) => run.at)
      .step("b", ({ run }) => run.at);
    flow.step("c", ["nope"], () => 1);
    flow.step("a", () => 1);
    flow.step("run", () => 1);
    flow.step("send-mail", () => 1);
    flow.step("c", ["a"], async ({ a }) => await Promise.resolve({ list: [{ at: new Date(a) }] }));
    flow.step({ slug: "c" }, () => {});
    flow.step("c", ({ run }) => ({ at: run.at === "" ? undefined : 1 }));
    flow.step("c", ["a"], ({ b }) => b);
    flow.step("c", ["a"], () => 1, { timeout: 1, retries: 1 });
    flow.step("c", ["a"], () => 1, { runIf: { a: "x", d: 1 } });
    flow.approval("c", { output: type<{ at: Date }>() });
    flow.mapApproval("c");
    flow.mapApproval("c", "a");
    flow.mapSubflow("c", "a", flow, (at) => ({ at }));
    flow.subflow("c", flow, () => ({ to: "x" }));
    new Flow<{ at: Date }>({ slug: "greet" });
  `);
  assertEquals(ok, false);
  const messages = [
    `Type '"nope"' is not assignable to type '"a" | "b"'`,
    `"Cannot add step \\"a\\": the flow has a step with this slug"`,
    `"Cannot add step \\"run\\": the name is reserved for the flow's input"`,
    `"Cannot add step \\"send-mail\\": a slug is letters, digits and _, and does not start with a`,
    `"Cannot return output of step \\"c\\": $.list[].at is a Date: return its toISOString()"`,
    `"Cannot return output of step \\"c\\": $ is undefined: return null when there is nothing to`,
    `"Cannot return output of step \\"c\\": $.at may be undefined: return null, or leave it out"`,
    `Property 'b' does not exist on type '{`,
    `"There is no option \\"retries\\""`,
    `"The condition can never match: there is no \\"d\\""`,
    `"Cannot use this type of output: $.at is a Date: return its toISOString()"`,
    `"Cannot map over the flow's input: it is not an array"`,
    `"Cannot map over step \\"a\\": its output is not an array"`,
    `Type '{ to: string; }' is not assignable to type '{ at: string; } | Promise<{ at: string; }>'`,
    `"Cannot create flow: its input $.at is a Date: return its toISOString()"`,
  ];
  assertEquals(messages.filter((message) => !said.includes(message)), []);
});
