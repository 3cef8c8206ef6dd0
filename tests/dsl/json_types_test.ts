// What is pinned here is pinned by the type checker: each test compiles only as long as it holds.
import { Flow, type IsJson, type Json, type JsonProblem, type StepOutput } from "pgflow/dsl";
import { type Order, Orders } from "./example_flows.ts";
import { holds, type Same } from "./same.ts";

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
