import { PgflowError } from "../errors.ts";

/** A connection string the driver understands, and what it says about prepared statements. */
export interface DatabaseUrl {
  url: string;
  prepare: boolean;
}

/** The port of the transaction-mode poolers on Supabase. */
const TRANSACTION_POOLER_PORT = "6543";

/** Reads a connection string; its errors never show the string, because it holds a password. */
export function parseDatabaseUrl(text: string): DatabaseUrl {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^postgres(ql)?:$/.test(url.protocol)) {
    throw new PgflowError("Cannot connect to the database: its URL is not a postgres URL", {
      hint: 'Write it as "postgresql://user:password@host:5432/database", the password ' +
        "percent-encoded.",
    });
  }
  const pooled = url.port === TRANSACTION_POOLER_PORT ||
    url.searchParams.get("pgbouncer") === "true";
  // Other tools' word for "do not prepare"; the server would refuse it as an unknown setting.
  url.searchParams.delete("pgbouncer");
  return { url: url.href, prepare: !pooled };
}
