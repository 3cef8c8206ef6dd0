import postgres from "postgres";
import { RestError } from "./rest_error.ts";

// The first entry that a SQLSTATE starts with decides, as in PostgREST.
const STATUSES: [string, number][] = [
  ["23503", 409],
  ["23505", 409],
  ["25006", 405],
  ["42883", 404],
  ["42P01", 404],
  ["42P17", 500],
  ["53400", 500],
  ["57P01", 503],
  ["P0001", 400],
  ["08", 503],
  ["09", 500],
  ["0L", 403],
  ["0P", 403],
  ["25", 500],
  ["28", 403],
  ["2D", 500],
  ["38", 500],
  ["39", 500],
  ["3B", 500],
  ["40", 500],
  ["53", 503],
  ["54", 500],
  ["55", 500],
  ["57", 500],
  ["58", 500],
  ["F0", 500],
  ["HV", 500],
  ["P0", 500],
  ["XX", 500],
];

/** Says how PostgREST would answer what went wrong in the database. */
export function sqlError(error: unknown, role: string): RestError {
  if (error instanceof RestError) return error;
  if (!(error instanceof postgres.PostgresError)) {
    return new RestError(503, {
      code: "PGRST001",
      message: "Could not connect with the database",
      details: (error as Error).message,
    });
  }
  const { code, message, detail, hint } = error;
  return new RestError(statusOf(code, role), {
    code,
    message,
    details: detail ?? null,
    hint: hint ?? null,
  });
}

function statusOf(code: string, role: string): number {
  if (/^PT\d{3}$/.test(code)) return Number(code.slice(2));
  if (code === "42501") return role === "anon" ? 401 : 403;
  return STATUSES.find(([prefix]) => code.startsWith(prefix))?.[1] ?? 400;
}
