import { assertEquals } from "@std/assert";
import { errorCodes, PermanentError, PgflowError, TaskTimeoutError } from "../lib/errors.ts";

Deno.test("errorCodes says of SQL's codes what 00_schema.sql says", async () => {
  const file = new URL("../supabase/schemas/00_schema.sql", import.meta.url);
  const text = await Deno.readTextFile(file);
  const table = [...text.matchAll(/^--\s+(PF\d{3})\s+(.+)$/gm)].map((
    [, code, says],
  ) => [code, says]);

  assertEquals(
    Object.fromEntries(table),
    Object.fromEntries(Object.entries(errorCodes).filter(([code]) => code.startsWith("PF0"))),
  );
});

Deno.test("PgflowError carries a code, a hint and a cause", () => {
  const cause = new Error("because");
  const error = new PgflowError("Cannot x", { code: "PF001", hint: "Do y", cause });
  assertEquals(
    [error.name, error.message, error.code, error.hint, error.cause],
    ["PgflowError", "Cannot x", "PF001", "Do y", cause],
  );
  const bare = new PgflowError("Cannot x");
  assertEquals([bare.code, bare.hint, "cause" in bare], [undefined, undefined, false]);
});

Deno.test("TaskTimeoutError and PermanentError are PgflowErrors with codes of their own", () => {
  const errors = [new TaskTimeoutError("a"), new PermanentError("b", { hint: "c" })];
  assertEquals(errors.map((error) => [error.name, error instanceof PgflowError, error.code]), [
    ["TaskTimeoutError", true, "PF102"],
    ["PermanentError", true, "PF103"],
  ]);
});
