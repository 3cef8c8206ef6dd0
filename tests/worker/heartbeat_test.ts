import { assertEquals } from "@std/assert";
import { startHeartbeat } from "../../lib/worker/heartbeat.ts";

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

Deno.test("a heart beats on after failures, and looks now and then for what is stalled anywhere", async () => {
  const calls: string[] = [];
  const enough = Promise.withResolvers<void>();
  // The first look comes within half a minute, at a moment of chance.
  const random = Math.random;
  Math.random = () => 0;
  const attempt = { runId: "r", stepSlug: "s", taskIndex: 0, attempt: 1 };
  const closed: unknown[] = [];
  let stops = 0;
  const stop = startHeartbeat({
    db: {
      heartbeatWorker: (id) => {
        calls.push(`beat ${id}`);
        if (calls.length === 1) return Promise.reject(new Error("away"));
        return Promise.resolve(stops > 0);
      },
      closedAttempts: (attempts) => Promise.resolve([...attempts]),
      ensureWorkers: () => Promise.resolve(void calls.push("look")),
      cutStalled: () => {},
    },
    workerId: "w",
    seconds: 0.01,
    log: quiet,
    attempts: () => [attempt],
    onClosed: (attempts) => {
      closed.push(...attempts);
      if (++stops === 2) enough.resolve();
    },
    onStop: () => {},
  });
  Math.random = random;
  await enough.promise;
  stop();

  assertEquals(calls.slice(0, 4), ["beat w", "look", "beat w", "beat w"]);
  assertEquals(closed, [attempt, attempt]);
});
