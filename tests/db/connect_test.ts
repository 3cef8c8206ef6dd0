import { assertEquals, assertThrows } from "@std/assert";
import { parseDatabaseUrl } from "../../lib/db/database_url.ts";
import { connect } from "../../lib/db/mod.ts";
import { PgflowError } from "../../lib/errors.ts";

Deno.test("parseDatabaseUrl() prepares statements unless a transaction-mode pooler is in the way", () => {
  const prepares = (url: string) => parseDatabaseUrl(url).prepare;
  assertEquals(
    {
      direct: prepares("postgresql://u:p@db.ref.supabase.co:5432/postgres"),
      session: prepares("postgres://u:p@pooler.supabase.com/postgres"),
      transaction: prepares("postgres://u:p@pooler.supabase.com:6543/postgres"),
      named: prepares("postgres://u:p@localhost/postgres?pgbouncer=true"),
    },
    { direct: true, session: true, transaction: false, named: false },
  );
  assertEquals(
    parseDatabaseUrl("postgres://u@localhost/postgres?pgbouncer=true&sslmode=require").url,
    "postgres://u@localhost/postgres?sslmode=require",
  );
});

Deno.test("connect() refuses a URL that is none, and does not repeat it", () => {
  for (
    const url of ["", "localhost:5432", "https://u:secret@host", "postgres://u:sec/ret@h:x/db"]
  ) {
    const error = assertThrows(() => connect(url), PgflowError);
    assertEquals(
      error.message,
      "Cannot connect to the database: its URL is not a postgres URL",
    );
  }
});

Deno.test("connect() refuses a number of connections that is none", () => {
  assertThrows(
    () => connect("postgres://localhost/postgres", { max: 0 }),
    RangeError,
    'Cannot use option max "0": it is not a positive integer',
  );
});
