import { assertEquals } from "@std/assert";
import { formatArray, parseArray } from "../../lib/db/arrays.ts";

Deno.test("formatArray() quotes every element", () => {
  assertEquals(
    formatArray(["a", 'b"c\\', "", "null", null, 1, true, ["x"]]),
    '{"a","b\\"c\\\\","","null",null,"1","true",{"x"}}',
  );
});

Deno.test("parseArray() reads what Postgres writes", () => {
  assertEquals(parseArray('{a,"b c","",NULL,"NULL","d\\"\\\\,"}'), [
    "a",
    "b c",
    "",
    null,
    "NULL",
    'd"\\,',
  ]);
  assertEquals(parseArray("{}"), []);
  assertEquals(parseArray("{1,2}", Number), [1, 2]);
});
