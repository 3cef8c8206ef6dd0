import type postgres from "postgres";

/** A value that is a `json` or `jsonb` parameter, null and text included. */
export class JsonParameter {
  /** Creates a parameter from any JSON value. */
  constructor(readonly value: unknown) {}
}

/** Turns a value of a handler's into what the driver takes for it. */
export function toParameter(
  sql: postgres.Sql,
  value: unknown,
): postgres.ParameterOrFragment<never> {
  if (value instanceof JsonParameter) return sql`${JSON.stringify(value.value)}::text::jsonb`;
  // The driver guesses an array's type from its first element; type 0 leaves it to the server.
  if (Array.isArray(value)) return sql.typed(value, 0);
  return value as never;
}
