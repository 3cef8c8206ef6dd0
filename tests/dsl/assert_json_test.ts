import { assertEquals, assertThrows } from "@std/assert";
import { assertJson, type PgflowError } from "pgflow/dsl";

class Money {
  amount = 5;
}

const circular: Record<string, unknown> = { list: [] };
circular.list = [{ back: circular }];

const refused: [name: string, value: unknown, state: string][] = [
  ["undefined", undefined, "$ is undefined"],
  ["undefined in an object", { a: { b: undefined } }, "$.a.b is undefined"],
  ["undefined in an array", [1, undefined], "$[1] is undefined"],
  ["a hole in an array", new Array(1), "$[0] is undefined"],
  ["a Date", { a: { b: new Date(0) } }, "$.a.b is a Date"],
  ["a function", { a: () => 1 }, "$.a is a function"],
  ["toJSON()", { toJSON: () => 1 }, "$.toJSON is a function"],
  ["a symbol", [Symbol("a")], "$[0] is a symbol"],
  ["a bigint", { a: [1n] }, "$.a[0] is a bigint"],
  ["NaN", { a: NaN }, "$.a is NaN"],
  ["Infinity", -Infinity, "$ is -Infinity"],
  ["a Map", new Map(), "$ is a Map"],
  ["a Set", { a: new Set([1]) }, "$.a is a Set"],
  ["a promise", { a: Promise.resolve(1) }, "$.a is a Promise"],
  ["an error", new AggregateError([]), "$ is an AggregateError"],
  ["a URL", [new URL("https://example.com")], "$[0] is a URL"],
  ["bytes", { a: new Uint8Array(2) }, "$.a is a Uint8Array"],
  ["an instance", { a: new Money() }, "$.a is a Money"],
  ["an instance without a name", new (class {})(), "$ is a class instance"],
  ["an object in itself", circular, "$.list[0].back contains itself"],
  ["a key that is no name", { "a b": { "": 1n } }, '$["a b"][""] is a bigint'],
  ["the character U+0000", { a: "b\0" }, "$.a contains the character U+0000"],
  ["U+0000 in a key", { "a\0": 1 }, '$["a\\u0000"] contains the character U+0000'],
  ["half a character", ["😀".slice(0, 1)], "$[0] contains half of a surrogate pair"],
];

for (const [name, value, state] of refused) {
  Deno.test(`assertJson() refuses ${name}`, () => {
    const error = assertThrows<PgflowError>(() => assertJson(value, 'return output of step "x"'));
    assertEquals(
      { message: error.message, code: error.code, hint: typeof error.hint },
      { message: `Cannot return output of step "x": ${state}`, code: "PF101", hint: "string" },
    );
  });
}

Deno.test("assertJson() refuses what is nested too deep for a stack", () => {
  const nest = (depth: number) => {
    let value: unknown = 1;
    for (let level = 0; level < depth; level++) value = [value];
    return value;
  };
  assertJson(nest(1000), "return output");
  const error = assertThrows(() => assertJson(nest(100_000), "return output"));
  assertEquals(
    error.message,
    `Cannot return output: $${"[0]".repeat(1000)} is nested deeper than 1000 levels`,
  );
});

Deno.test("assertJson() accepts what comes back from JSON as it was", () => {
  const shared = { a: 1 };
  const values = [
    null,
    0,
    false,
    "",
    "42",
    -1.5e300,
    "😀",
    [],
    {},
    [[1, "a", null, true], { a: { b: [{}] } }],
    [shared, shared],
    JSON.parse('{"__proto__": 1, "constructor": 2}'),
    Object.assign(Object.create(null), { a: 1 }),
  ];
  for (const value of values) assertJson(value, "return output");
});

Deno.test("assertJson() takes subclasses of Array, as drivers return them", () => {
  class Rows extends Array<unknown> {}
  assertJson(Rows.from([{ id: 1 }]), "return output");
});
