import type { Random } from "./random.ts";

/** A value as jsonb holds it. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** A JSON object. */
export type JsonObject = { [key: string]: Json };

const scalars: Json[] = [null, false, true, 0, 1, 2, "", "x"];

/** Returns a small value; patterns of {@linkcode randomPattern} match some of them. */
export function randomJson(random: Random): Json {
  if (random.chance(0.35)) return random.pick(scalars);
  if (random.chance(0.2)) return randomArray(random);
  return randomObject(random);
}

/** Returns an array of at most three small values, empty now and then. */
export function randomArray(random: Random): Json[] {
  return Array.from(
    { length: random.pick([0, 1, 2, 2, 3]) },
    () => random.chance(0.5) ? random.pick(scalars) : randomObject(random),
  );
}

/** Returns a pattern for the input of a step: of the flow's input, or of what its dependencies gave. */
export function randomPattern(random: Random, dependencies: readonly string[]): JsonObject {
  if (random.chance(0.05)) return {};
  if (dependencies.length === 0) return randomPart(random);
  if (random.chance(0.3)) return { run: randomPart(random) };
  const part: Json = random.chance(0.3) ? random.pick([...scalars, [], [1]]) : randomPart(random);
  return { [random.pick(dependencies)]: part };
}

/** Returns what is written the same for values that jsonb takes for equal. */
export function canonical(value: Json | undefined): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const keys = Object.keys(value).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(",")}}`;
}

function randomObject(random: Random): JsonObject {
  const object: JsonObject = { a: random.int(2) };
  if (random.chance(0.5)) object.b = random.pick(["x", "y"]);
  if (random.chance(0.4)) object.l = Array.from({ length: random.int(3) }, () => random.int(3));
  if (random.chance(0.1)) object.o = { a: random.int(2), n: null };
  return object;
}

function randomPart(random: Random): JsonObject {
  return random.pick<JsonObject>([{ a: 0 }, { a: 1 }, { b: "x" }, { l: [1] }, { l: [] }, {
    o: { n: null },
  }]);
}
