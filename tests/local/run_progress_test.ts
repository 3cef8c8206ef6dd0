import { assertEquals } from "@std/assert";
import { RunProgress } from "../../lib/local/run_progress.ts";
import type { RunStates } from "../../lib/local/run_states.ts";

type Status = RunStates["steps"][number]["status"];

const start = Date.parse("2026-01-01T00:00:00Z");

function statesOf(steps: Record<string, [Status, number?, number?]>): RunStates {
  const at = (ms: number | undefined) => ms === undefined ? null : new Date(start + ms).toJSON();
  return {
    run: {
      run_id: "",
      flow_slug: "",
      status: "started",
      output: null,
      error_message: null,
      started_at: at(0)!,
      completed_at: null,
    },
    steps: Object.entries(steps).map(([step_slug, [status, startedAt, completedAt]]) => ({
      step_slug,
      status,
      error_message: null,
      started_at: at(startedAt),
      completed_at: at(completedAt),
    })),
  };
}

function progressAt(isLive: boolean) {
  const time = { now: start };
  const written: string[] = [];
  const progress = new RunProgress({
    write: (text) => written.push(text),
    isLive,
    now: () => time.now,
  });
  return { time, written, progress };
}

Deno.test("RunProgress writes one line for each change where lines stay", () => {
  const { time, written, progress } = progressAt(false);

  progress.show(statesOf({ first: ["started", 0], second: ["created"] }));
  time.now += 250;
  progress.show(statesOf({ first: ["started", 0], second: ["created"] }));
  time.now += 1000;
  progress.show(statesOf({ first: ["completed", 0, 1200], second: ["started", 1200] }));

  assertEquals(written, [
    "    0.00 s  first   started\n",
    "    1.25 s  first   completed\n",
    "    1.25 s  second  started\n",
  ]);
});

Deno.test("RunProgress draws all steps over the last picture in a terminal", () => {
  const { time, written, progress } = progressAt(true);

  progress.show(statesOf({ first: ["started", 0], second: ["created"] }));
  time.now += 40;
  progress.show(statesOf({ first: ["completed", 0, 30], second: ["started", 30] }));

  // deno-lint-ignore no-control-regex
  const plain = written.map((text) => text.replaceAll(/\x1b\[\d*m/g, ""));
  assertEquals(plain, [
    "\x1b[2K  ◐ first   started    0 ms\n\x1b[2K  ○ second  created    \n",
    "\x1b[2A\x1b[2K  ● first   completed  30 ms\n\x1b[2K  ◐ second  started    10 ms\n",
  ]);
});
