import type { Logger } from "../dsl/mod.ts";

const LEVELS = ["debug", "info", "warn", "error"] as const;
type Level = typeof LEVELS[number];
type Fields = Record<string, unknown>;

/**
 * Returns a logger of lines that a person can read, or of JSON where a platform collects them.
 *
 * `PGFLOW_LOG_LEVEL` (debug, info, warn, error, silent) says what is written, `PGFLOW_LOG_FORMAT`
 * (text, json) how.
 */
export function createLogger(
  env: Record<string, string | undefined>,
  write: (level: Level, line: string) => void = (level, line) => console[level](line),
): Logger {
  const lowest = lowestLevel(env.PGFLOW_LOG_LEVEL);
  const format = isJson(env) ? formatJson : formatText;
  const at = (level: Level) => (message: string, fields: Fields = {}) => {
    if (LEVELS.indexOf(level) >= lowest) write(level, format(level, message, fields));
  };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** Returns a logger that adds fields to each of its lines. */
export function withFields(logger: Logger, fields: Fields): Logger {
  return {
    debug: (message, more) => logger.debug(message, { ...fields, ...more }),
    info: (message, more) => logger.info(message, { ...fields, ...more }),
    warn: (message, more) => logger.warn(message, { ...fields, ...more }),
    error: (message, more) => logger.error(message, { ...fields, ...more }),
  };
}

function lowestLevel(name = "info"): number {
  if (name.toLowerCase() === "silent") return LEVELS.length;
  const level = LEVELS.findIndex((level) => level === name.toLowerCase());
  return level === -1 ? LEVELS.indexOf("info") : level;
}

function isJson(env: Record<string, string | undefined>): boolean {
  if (env.PGFLOW_LOG_FORMAT !== undefined) return env.PGFLOW_LOG_FORMAT === "json";
  return env.SB_REGION !== undefined || env.DENO_DEPLOYMENT_ID !== undefined;
}

function formatJson(level: Level, message: string, fields: Fields): string {
  return toJson({ time: new Date().toISOString(), level, message, ...fields });
}

/** `19:39:30.123 warn  greet_user/hello 0b7c…: failed: no name (attempt 1, 12 ms)` */
function formatText(level: Level, message: string, fields: Fields): string {
  const { flow, step, task, run, ...rest } = fields;
  const place = [flow, step].filter((part) => part !== undefined).join("/");
  const element = task === undefined || task === 0 ? "" : `[${task}]`;
  const id = run === undefined ? "" : ` ${String(run).slice(0, 8)}`;
  const details = Object.entries(rest).map(([name, value]) => formatField(name, value));
  const time = new Date().toISOString().slice(11, 23);
  return `${time} ${level.padEnd(5)} ${place}${element}${id}${place === "" ? "" : ": "}${message}` +
    (details.length > 0 ? ` (${details.join(", ")})` : "");
}

function formatField(name: string, value: unknown): string {
  if (name === "attempt") return `attempt ${value}`;
  if (name === "duration_ms") return `${value} ms`;
  return `${name} ${typeof value === "string" ? value : toJson(value)}`;
}

/** Never throws: a line of log must not end a task. */
function toJson(value: unknown): string {
  try {
    return String(JSON.stringify(value, (_, part) => {
      if (part instanceof Error) return { name: part.name, message: part.message };
      return typeof part === "bigint" ? String(part) : part;
    }));
  } catch {
    return '"(not JSON)"';
  }
}
