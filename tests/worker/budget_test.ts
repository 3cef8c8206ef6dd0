import { assertEquals } from "@std/assert";
import { Flow } from "../../lib/dsl/mod.ts";
import { Budget } from "../../lib/worker/budget.ts";
import { Durations } from "../../lib/worker/durations.ts";

function budgetAt(
  age: number,
  wallClockSeconds?: number,
  isEdge = true,
  lastRequestAge = 0,
): Budget {
  return new Budget({
    wallClockSeconds,
    isEdge,
    age: () => age,
    lastRequestAge: () => lastRequestAge,
  });
}

Deno.test("a budget is the wall clock that was said, or the shortest there can be", () => {
  const wallClocks = [
    budgetAt(10, 60),
    budgetAt(10),
    budgetAt(137),
    budgetAt(139),
    budgetAt(1000),
    budgetAt(1000, undefined, false),
    budgetAt(90, undefined, true, 74),
    budgetAt(90, undefined, true, 76),
  ].map((budget) => budget.wallClockSeconds);

  assertEquals(wallClocks, [60, 150, 150, 400, 400, Infinity, 150, 400]);
});

Deno.test("a budget allows in its second half only what fits", () => {
  const allowed = [
    [10, 100],
    [49, 100],
    [50, 50],
    [51, 50],
    [90, 10],
    [91, 10],
  ].map(([age, seconds]) => budgetAt(age!, 100).allows(seconds!));

  assertEquals(allowed, [true, true, true, false, true, false]);
  assertEquals(budgetAt(1e6, undefined, false).allows(1e6), true);
});

Deno.test("a budget tells the time left from the announcement, if nobody said it", () => {
  const left = [budgetAt(90, 100), budgetAt(360), budgetAt(135), budgetAt(90, 50)]
    .map((budget) => Math.round(budget.secondsLeftWhenAnnounced * 1000) / 1000);

  assertEquals(left, [10, 40, 15, 10]);
});

Deno.test("a flow's tasks are expected to take their timeout, or what was seen to be enough", () => {
  const flow = new Flow<number>({ slug: "f", timeout: 30 })
    .step("fast", () => 1)
    .step("slow", () => 1, { timeout: 20 })
    .approval("ask", { timeout: 1000 });
  const durations = new Durations();
  const at = () => durations.expected(flow);
  const expected = [at()];

  durations.learn([{ flowSlug: "f", stepSlug: "fast", tasks: 4, longestSeconds: 2 }]);
  expected.push(at());
  durations.note("f", "fast", 1);
  expected.push(at());
  durations.learn([{ flowSlug: "f", stepSlug: "slow", tasks: 9, longestSeconds: 4 }]);
  expected.push(at());
  durations.note("f", "slow", 15);
  expected.push(at());

  assertEquals(expected, [30, 30, 20, 9, 20]);
});
