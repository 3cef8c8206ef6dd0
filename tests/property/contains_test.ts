import { assert, assertEquals } from "@std/assert";
import { testDatabase } from "../database.ts";
import { contains } from "./contains.ts";
import { randomJson, randomPattern } from "./json.ts";
import { Random } from "./random.ts";

Deno.test("contains() says what jsonb's @> says", async () => {
  await using database = await testDatabase();
  const random = new Random("contains");
  const pairs = Array.from({ length: 3000 }, () => {
    const value = { run: randomJson(random), a: randomJson(random), b: randomJson(random) };
    return random.chance(0.5)
      ? { value, pattern: randomPattern(random, ["a", "b"]) }
      : { value: randomJson(random), pattern: randomPattern(random, []) };
  });

  const rows = await database.sql<{ contains: boolean }[]>`
    select p.pair -> 'value' @> (p.pair -> 'pattern') as contains
    from jsonb_array_elements(${
    JSON.stringify(pairs)
  }::text::jsonb) with ordinality p (pair, position)
    order by p.position`;

  assertEquals(
    pairs.map(({ value, pattern }) => ({ value, pattern, contains: contains(value, pattern) })),
    pairs.map((pair, index) => ({ ...pair, contains: rows[index]!.contains })),
  );
  const matches = rows.filter((row) => row.contains).length;
  assert(matches > 200 && matches < 2800, `${matches} of 3000 patterns match`);
});
