/**
 * What an error of the driver means for whoever made the call.
 *
 * @module
 */
import { PgflowError } from "../errors.ts";

/** What {@linkcode Db} rejects with, whatever the driver calls it. */
interface DriverError extends Error {
  code?: string;
  hint?: string;
}

/** Codes of the driver, of sockets and of name resolution. */
const NETWORK =
  /^(CONNECT_TIMEOUT|CONNECTION_(CLOSED|ENDED|DESTROYED)|E(CONN|PIPE|NOTFOUND|AI_|HOST|NET|TIMEDOUT|ACCES|PERM|INVAL)\w*)$/;

/**
 * SQLSTATE classes of what passes: connection, transaction state (a read-only replica too),
 * serialization and deadlock, resources, locks, shutdown or statement timeout, disk, internal error
 * (which poolers raise for their own).
 */
const PASSING = new Set(["08", "25", "40", "53", "55", "57", "58", "XX"]);

/** SQLSTATE classes of what somebody must repair: login, database, schema, object or privilege. */
const MISCONFIGURED = new Set(["28", "3D", "3F", "42"]);

/** Returns whether the connection is gone, so that the call's effect is unknown. */
export function isConnectionLost(error: unknown): boolean {
  const code = codeOf(error);
  return NETWORK.test(code) || code.startsWith("08") || code.startsWith("57P") ||
    // Deno's own errors of sockets and TLS carry no code.
    (error instanceof Error &&
      /^(Connection\w*|BrokenPipe|UnexpectedEof|TimedOut)$/.test(error.name));
}

/**
 * Returns whether another connection may lead to a server that can do more: after a failover, one
 * that was kept open leads to a replica.
 */
export function isReadOnly(error: unknown): boolean {
  return codeOf(error) === "25006";
}

/** Returns whether the same call may succeed later without anybody's doing. */
export function isPassing(error: unknown): boolean {
  return isConnectionLost(error) || PASSING.has(codeOf(error).slice(0, 2));
}

/** Returns whether the database cannot serve this worker until somebody repairs something. */
export function isMisconfigured(error: unknown): boolean {
  return MISCONFIGURED.has(codeOf(error).slice(0, 2));
}

/** Turns the errors that pgflow's SQL raises on purpose into PgflowErrors; leaves others alone. */
export function fromDriver(error: unknown): unknown {
  const code = codeOf(error);
  if (!code.startsWith("PF")) return error;
  const { message, hint } = error as DriverError;
  return new PgflowError(message, { code, hint, cause: error });
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  return String(
    (error as DriverError).code ?? (error.cause as DriverError | undefined)?.code ?? "",
  );
}
