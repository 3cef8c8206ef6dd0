import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  type ApprovalAnswer,
  type ApprovalSlug,
  checkInput,
  compileFlow,
  Flow,
  type FlowInput,
  type FlowSlug,
  InvalidInputError,
  type StepInput,
  type,
} from "pgflow/dsl";
import * as v from "valibot";
import { z } from "zod";
import { holds, type Same } from "./same.ts";

const Order = z.object({
  id: z.number().int(),
  note: z.string().optional(),
  items: z.array(z.object({ sku: z.string().min(1) })),
});

interface Item {
  sku: string;
}

Deno.test("Flow infers its input from a schema, and its slug as it is written", () => {
  const ByZod = new Flow({ slug: "by_zod", input: Order })
    .step("count", ({ run }) => run.items.length);
  interface Given {
    id: number;
    note?: string | undefined;
    items: Item[];
  }
  holds<Same<FlowInput<typeof ByZod>, Given>>();
  holds<Same<StepInput<typeof ByZod, "count">, { run: Given }>>();
  holds<Same<FlowSlug<typeof ByZod>, "by_zod">>();

  const items = v.array(v.object({ sku: v.string() }));
  const ByValibot = new Flow({ slug: "by_valibot", input: items, timeout: 9 })
    .map("skus", ({ sku }) => sku)
    .onFailure(() => null);
  holds<Same<FlowInput<typeof ByValibot>, Item[]>>();
  holds<Same<FlowSlug<typeof ByValibot>, "by_valibot">>();

  const ByType = new Flow({ slug: "by_type", input: type<{ url: string }>() });
  holds<Same<FlowInput<typeof ByType>, { url: string }>>();

  const Written = new Flow<{ url: string }>({ slug: "written" });
  holds<Same<FlowSlug<typeof Written>, string>>();
  const Both = new Flow<{ url: string }>({ slug: "both", input: z.object({ url: z.url() }) });
  holds<Same<FlowInput<typeof Both>, { url: string }>>();
});

Deno.test("Flow takes of a schema what goes in, since nothing is changed", () => {
  const schema = z.object({ id: z.string().transform(Number), size: z.number().default(1) });
  const Ids = new Flow({ slug: "ids", input: schema }).step("id", ({ run }) => run.id);
  holds<Same<FlowInput<typeof Ids>, { id: string; size?: number | undefined }>>();
});

Deno.test("Flow refuses a schema of what is not JSON, or of something else than its input", () => {
  const refused = () => {
    // @ts-expect-error A Date is not JSON.
    new Flow({ slug: "a", input: z.object({ at: z.date() }) });
    // @ts-expect-error Nobody knows what it is.
    new Flow({ slug: "a", input: z.object({ at: z.unknown() }) });
    // @ts-expect-error The schema says number.
    new Flow<{ id: string }>({ slug: "a", input: z.object({ id: z.number() }) });
  };
  void refused;

  for (const input of [null, {}, "x", { "~standard": { version: 2, validate() {} } }]) {
    assertThrows(
      () => new Flow({ slug: "a", input: input as never }),
      TypeError,
      'Cannot create flow "a": its input is not a Standard Schema, such as type<string>()',
    );
  }
});

Deno.test("ApprovalSlug and ApprovalAnswer tell what a person is asked", () => {
  const Asked = new Flow<string[]>({ slug: "asked" })
    .approval("once", { output: type<{ yes: boolean }>() })
    .step("words", ["once"], ({ run }) => run)
    .mapApproval("each", "words", { output: type<number>() });
  holds<Same<ApprovalSlug<typeof Asked>, "once" | "each">>();
  holds<Same<ApprovalAnswer<typeof Asked, "once">, { yes: boolean }>>();
  holds<Same<ApprovalAnswer<typeof Asked, "each">, number>>();
});

Deno.test("Flow keeps its schema from step to step, and out of what is compiled", () => {
  const build = (flow: Flow<{ id: number }>) => flow.step("id", ({ run }) => run.id);
  const schema = z.object({ id: z.number() });
  const flow = build(new Flow({ slug: "keep", input: schema, timeout: 7 }));

  assertEquals(flow.inputSchema === schema, true);
  assertEquals(flow.options, { timeout: 7 });
  assertEquals(flow.onFailure(() => {}).inputSchema === schema, true);
  assertEquals(flow.onFailure(() => {}).failureFlow!.inputSchema, undefined);
  assertEquals(
    compileFlow(flow),
    compileFlow(build(new Flow<{ id: number }>({ slug: "keep", timeout: 7 }))),
  );
});

Deno.test("checkInput() resolves if the schema is content, or if there is none", async () => {
  await checkInput(new Flow({ slug: "a", input: Order }), { id: 1, items: [] });
  await checkInput(new Flow({ slug: "a", input: type<string>() }), 1);
  await checkInput(new Flow({ slug: "a" }), { anything: true });
});

Deno.test("checkInput() names the path of each thing that is wrong, whatever the library", async () => {
  const byZod = new Flow({ slug: "ship", input: Order });
  const input = { id: 1.5, items: [{ sku: "a" }, { sku: "" }] };

  const error = await assertRejects(() => checkInput(byZod, input), InvalidInputError);

  assertEquals([error.code, error.issues.map(({ path }) => path)], [
    "PF105",
    ["$.id", "$.items[1].sku"],
  ]);
  const [id, sku] = error.issues.map(({ message }) => message);
  assertEquals(
    error.message,
    `Cannot run flow "ship": its input is wrong: $.id: ${id}; $.items[1].sku: ${sku}`,
  );

  const schema = v.object({ "e-mail": v.pipe(v.string(), v.email()), size: v.number() });
  const byValibot = new Flow({ slug: "signup", input: schema });
  const signup = await assertRejects(
    () => checkInput(byValibot, { "e-mail": "x", size: "1" }),
    InvalidInputError,
  );
  assertEquals(signup.issues.map(({ path }) => path), ['$["e-mail"]', "$.size"]);
});

Deno.test("checkInput() waits for a schema that takes its time, and lists no more than five", async () => {
  const schema = z.array(
    z.string().refine(async (text) => await Promise.resolve(text !== "taken")),
  );
  const flow = new Flow({ slug: "names", input: schema });

  await checkInput(flow, ["free"]);
  const error = await assertRejects(
    () => checkInput(flow, Array(7).fill("taken")),
    InvalidInputError,
  );

  assertEquals(error.issues.length, 7);
  assertEquals(error.message.endsWith("$[4]: Invalid input; and 2 more"), true, error.message);
  assertEquals(error.message.includes("$[5]"), false);
});

Deno.test("checkInput() knows where when nothing but the whole is wrong", async () => {
  const flow = new Flow({ slug: "text", input: z.string() });
  const error = await assertRejects(() => checkInput(flow, 1), InvalidInputError);
  assertEquals(error.issues.map(({ path }) => path), ["$"]);
});
