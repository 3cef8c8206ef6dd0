import { type Db, JsonParameter } from "../db/mod.ts";
import { assertJson, type Sql } from "../dsl/mod.ts";

/** Returns what handlers get as `ctx.sql`. */
export function createSql(db: Pick<Db, "query">): Sql {
  const sql = <Row extends object = Record<string, unknown>>(
    statement: TemplateStringsArray,
    ...values: readonly unknown[]
  ) => db.query<Row>(statement, values);
  return Object.assign(sql, { json: toParameter });
}

function toParameter(value: unknown): JsonParameter {
  assertJson(value, "pass parameter to ctx.sql");
  return new JsonParameter(value);
}
