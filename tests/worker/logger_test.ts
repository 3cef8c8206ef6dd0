import { assertEquals, assertMatch } from "@std/assert";
import { createLogger, withFields } from "../../lib/worker/logger.ts";

const FIELDS = { flow: "greet_user", step: "hello", task: 3, run: "0b7c1a2d-0000", attempt: 2 };

function linesOf(env: Record<string, string>): string[] {
  const lines: string[] = [];
  const log = withFields(
    createLogger(env, (level, line) => lines.push(`${level}|${line}`)),
    FIELDS,
  );
  log.debug("looking");
  log.warn("failed: no name", { duration_ms: 12 });
  return lines;
}

Deno.test("createLogger() writes lines for people, from level info", () => {
  const [line, ...others] = linesOf({});
  assertMatch(line!, /^warn\|\d\d:\d\d:\d\d\.\d{3} warn {2}/);
  assertEquals(
    line!.slice("warn|00:00:00.000 ".length),
    "warn  greet_user/hello[3] 0b7c1a2d: failed: no name (attempt 2, 12 ms)",
  );
  assertEquals(others, []);
});

Deno.test("createLogger() writes JSON where a platform collects it", () => {
  for (
    const env of [{ SB_REGION: "eu" }, { DENO_DEPLOYMENT_ID: "x" }, { PGFLOW_LOG_FORMAT: "json" }]
  ) {
    const [line] = linesOf(env);
    const { time, ...rest } = JSON.parse(line!.slice("warn|".length));
    assertMatch(time, /^\d{4}-\d\d-\d\dT/);
    assertEquals(rest, { level: "warn", message: "failed: no name", ...FIELDS, duration_ms: 12 });
  }
});

Deno.test("PGFLOW_LOG_LEVEL and PGFLOW_LOG_FORMAT have the last word", () => {
  const count = (env: Record<string, string>) => linesOf(env).length;
  assertEquals([
    count({ PGFLOW_LOG_LEVEL: "debug" }),
    count({ PGFLOW_LOG_LEVEL: "ERROR" }),
    count({ PGFLOW_LOG_LEVEL: "silent" }),
    count({ PGFLOW_LOG_LEVEL: "loud" }),
  ], [2, 0, 0, 1]);
  assertMatch(linesOf({ SB_REGION: "eu", PGFLOW_LOG_FORMAT: "text" })[0]!, / warn {2}greet_user/);
});

Deno.test("fields that are not JSON do not end a task", () => {
  const circular: Record<string, unknown> = {};
  circular.self = circular;
  const lines: string[] = [];
  for (const PGFLOW_LOG_FORMAT of ["text", "json"]) {
    const log = createLogger({ PGFLOW_LOG_FORMAT }, (_, line) => lines.push(line));
    log.info("odd", { count: 1n, error: new TypeError("no") });
    log.info("round", { circular });
  }
  assertEquals(lines.length, 4);
  assertMatch(lines[0]!, /info {2}odd \(count "1", error \{"name":"TypeError","message":"no"\}\)$/);
});
