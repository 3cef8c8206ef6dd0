import { assertEquals } from "@std/assert";
import type { StepState } from "../../lib/client/run_state.ts";
import { newStepEvents } from "../../lib/client/step_events.ts";

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();

function step(
  slug: string,
  dependencies: string[],
  startedAt: number,
  endedAt?: number,
  status: StepState["status"] = "completed",
): [string, StepState] {
  const end = endedAt === undefined ? {} : { endedAt: at(endedAt), output: slug };
  return [slug, {
    slug,
    status: endedAt === undefined ? "started" : status,
    performedBy: "handler",
    dependencies,
    startedAt: at(startedAt),
    ...end,
  }];
}

function brief(before: [string, StepState][], after: [string, StepState][]): string[] {
  return newStepEvents(new Map(before), new Map(after)).map((event) =>
    `${(event as { step: string }).step} ${event.type.slice(5)}`
  );
}

Deno.test("newStepEvents() lets a step start after its dependencies, whatever the times say", () => {
  // The transaction that completed `b` began before the one that completed `a`, and waited for it.
  const events = brief([], [
    step("a", [], 0, 5),
    step("b", [], 0, 3),
    step("c", ["a", "b"], 3, 4),
    step("d", ["c"], 4),
  ]);

  assertEquals(events, [
    "a started",
    "b started",
    "b completed",
    "a completed",
    "c started",
    "c completed",
    "d started",
  ]);
});

Deno.test("newStepEvents() unrolls a chain of steps that all happened at one moment", () => {
  const events = brief([], [step("a", [], 1, 1), step("b", ["a"], 1, 1), step("c", ["b"], 1)]);

  assertEquals(events, ["a started", "a completed", "b started", "b completed", "c started"]);
});

Deno.test("newStepEvents() says nothing again, and begins again what was taken back", () => {
  const before = [step("a", [], 0, 1), step("b", [], 0)];
  assertEquals(brief(before, before), []);
  assertEquals(brief(before, [step("a", [], 0, 1), step("b", [], 0, 2, "failed")]), ["b failed"]);
  assertEquals(brief([before[0]!], [before[0]!, step("b", [], 0)]), ["b started"]);
});
