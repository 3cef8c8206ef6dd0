import postgres from "postgres";
import type { Caller } from "./authenticate.ts";
import { type RpcFunction, takesBody } from "./rpc_function.ts";

/** A call of a function through the API. */
export interface RpcCall {
  definition: RpcFunction;
  caller: Caller;
  /** The names of the arguments in the body. */
  argumentNames: string[];
  /** The arguments as the text of a JSON object, or the body for a function that takes all of it. */
  body: string;
  isReadOnly: boolean;
  /** What the function can read about the request, by the name of the setting. */
  settings: Record<string, string>;
}

/** What a call gave. */
export interface RpcResult {
  /** The text of the JSON value; absent for void. */
  json: string | undefined;
  /** How many rows a set has. */
  count: number;
  /** A status that the function chose. */
  status: string | undefined;
  /** Headers that the function chose, as the text of a JSON array of objects. */
  headers: string | undefined;
}

const MAX_ROWS = 1000;

/** Calls a function in one transaction, in the role of its caller. */
export async function callRpc(sql: postgres.Sql, call: RpcCall): Promise<RpcResult> {
  const mode = call.isReadOnly || !call.definition.isVolatile ? "read only" : "read write";
  return await sql.begin(mode, async (transaction) => {
    await impersonate(transaction, call);
    const rows = await transaction.unsafe(statement(call), [call.body]);
    const { json, count } = rows[0] as unknown as { json: string; count: number };
    const [chosen] = await transaction`
      select
        nullif(current_setting('response.status', true), '') as status,
        nullif(current_setting('response.headers', true), '') as headers
    `;
    return {
      json: call.definition.returns === "void" ? undefined : json,
      count: Number(count),
      status: chosen!["status"] ?? undefined,
      headers: chosen!["headers"] ?? undefined,
    };
  }) as RpcResult;
}

async function impersonate(
  transaction: postgres.TransactionSql,
  { caller, definition, settings }: RpcCall,
): Promise<void> {
  const all: Record<string, string> = {
    ...settings,
    "search_path": `${quote(definition.schema)}, public, extensions`,
    "request.jwt.claims": JSON.stringify(caller.claims),
    ...(definition.statementTimeout && { statement_timeout: definition.statementTimeout }),
  };
  await transaction`
    select set_config(split_part(setting, '=', 1), substr(setting, strpos(setting, '=') + 1), true)
    from pg_roles, unnest(rolconfig) setting
    where rolname = ${caller.role}
  `;
  await transaction`
    select set_config(name, value, true)
    from jsonb_each_text(${transaction.json({ ...all, role: caller.role })}) s (name, value)
  `;
}

/** The arguments come out of the body by name, each read as its type by Postgres itself. */
function statement({ definition, argumentNames }: RpcCall): string {
  const { schema, name, returns, returnsSet } = definition;
  const target = `${quote(schema)}.${quote(name)}`;
  const given = takesBody(definition)
    ? []
    : definition.arguments.filter((argument) => argumentNames.includes(argument.name));
  const columns = given.map((argument) => `${quote(argument.name)} ${argument.type}`).join(", ");
  const passed = given.map(({ name }) => `${quote(name)} => pgflow_given.${quote(name)}`);
  const body = takesBody(definition) ? "$1::text::json" : passed.join(", ");
  const source = given.length > 0
    ? `json_to_record($1::text::json) as pgflow_given (${columns})`
    : "(select $1::text) pgflow_given";
  const call = takesBody(definition)
    ? `${target}(${body}::${definition.arguments[0]!.type})`
    : `${target}(${body})`;
  const values = returns === "composite"
    ? `select pgflow_row as value from ${source}, lateral ${call} as pgflow_row`
    : `select ${call} as value from ${source}`;
  const rows = returnsSet ? `${values} limit ${MAX_ROWS}` : values;
  const json = returns === "void"
    ? "null"
    : returnsSet
    ? "coalesce(json_agg(value), '[]')"
    : "coalesce(json_agg(value) -> 0, 'null')";
  // Counting the value itself keeps the planner from leaving out a call that nobody looks at.
  const count = returns === "void" ? "count(value)" : "count(*)";
  return `select (${json})::text as json, ${count} as count from (${rows}) as pgflow_rows`;
}

function quote(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}
