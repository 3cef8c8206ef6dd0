import { assertEquals } from "@std/assert";
import { Lifecycle, type WorkerState } from "../../lib/worker/lifecycle.ts";

const WAYS: Record<WorkerState, WorkerState[]> = {
  starting: [],
  running: ["running"],
  deprecated: ["running", "deprecated"],
  stopping: ["stopping"],
  stopped: ["stopping", "stopped"],
};

Deno.test("a worker moves on from state to state and never back", () => {
  const states = Object.keys(WAYS) as WorkerState[];
  const allowed = states.map((from) => {
    const nexts = states.filter((next) => {
      const lifecycle = new Lifecycle();
      for (const way of WAYS[from]) lifecycle.moveTo(way);
      const before = lifecycle.state;
      const moved = lifecycle.moveTo(next);
      assertEquals([before, lifecycle.state], [from, moved ? next : from]);
      return moved;
    });
    return [from, nexts];
  });
  assertEquals(Object.fromEntries(allowed), {
    starting: ["running", "stopping"],
    running: ["deprecated", "stopping"],
    deprecated: ["stopping"],
    stopping: ["stopped"],
    stopped: [],
  });
});
