import type postgres from "postgres";
import { RestError } from "./rest_error.ts";

/** A function of the database, as far as calling it needs to know. */
export interface RpcFunction {
  schema: string;
  name: string;
  /** Its input arguments in order; an unnamed one is "". */
  arguments: { name: string; type: string; isRequired: boolean }[];
  returns: "void" | "scalar" | "composite";
  returnsSet: boolean;
  /** Whether it may write: others run in a read-only transaction. */
  isVolatile: boolean;
  statementTimeout: string | null;
}

/**
 * Finds the function that takes exactly these named arguments, those with defaults aside, as
 * PostgREST does. A function with one unnamed json argument takes any body.
 */
export async function findRpcFunction(
  sql: postgres.Sql,
  schema: string,
  name: string,
  argumentNames: string[],
): Promise<RpcFunction> {
  const candidates = await rpcFunctions(sql, schema, name);
  const matching = candidates.filter((candidate) => takes(candidate, argumentNames));
  if (matching.length > 1) throw ambiguous(matching);
  const found = matching[0] ?? candidates.find(takesBody);
  if (found === undefined) throw notFound(schema, name, argumentNames, candidates);
  return found;
}

/** Whether the function's one argument receives the whole body. */
export function takesBody({ arguments: list }: RpcFunction): boolean {
  return list.length === 1 && list[0]!.name === "" && /^jsonb?$/.test(list[0]!.type);
}

function takes({ arguments: list }: RpcFunction, names: string[]): boolean {
  return names.every((name) => name !== "" && list.some((argument) => argument.name === name)) &&
    list.every(({ name, isRequired }) => !isRequired || names.includes(name));
}

async function rpcFunctions(
  sql: postgres.Sql,
  schema: string,
  name: string,
): Promise<RpcFunction[]> {
  const rows = await sql`
    select
      p.proargnames as names,
      p.proargmodes::text[] as modes,
      array(
        select format_type(t.type, null)
        from unnest(coalesce(p.proallargtypes, p.proargtypes::oid[])) with ordinality t (type, i)
        order by t.i
      ) as types,
      p.pronargdefaults as defaults,
      p.prorettype = 'void'::regtype as is_void,
      t.typtype = 'c' or p.prorettype = 'record'::regtype
        or coalesce(p.proargmodes::text[] && '{t,b,o}', false) as is_composite,
      p.proretset as returns_set,
      p.provolatile = 'v' as is_volatile,
      (
        select split_part(setting, '=', 2)
        from unnest(p.proconfig) setting
        where setting like 'statement_timeout=%'
      ) as statement_timeout
    from pg_proc p
    join pg_namespace n on n.oid = p.pronamespace
    join pg_type t on t.oid = p.prorettype
    where n.nspname = ${schema} and p.proname = ${name} and p.prokind = 'f'
    order by p.oid
  `;
  return rows.map((row) => ({
    schema,
    name,
    arguments: inputArguments(row),
    returns: row["is_void"] ? "void" : row["is_composite"] ? "composite" : "scalar",
    returnsSet: row["returns_set"],
    isVolatile: row["is_volatile"],
    statementTimeout: row["statement_timeout"],
  }));
}

function inputArguments(row: postgres.Row): RpcFunction["arguments"] {
  const types = row["types"] as string[];
  const modes = row["modes"] as string[] | null;
  const names = row["names"] as string[] | null;
  const inputs = types
    .map((type, i) => ({ type, name: names?.[i] ?? "", mode: modes?.[i] ?? "i" }))
    .filter(({ mode }) => mode === "i" || mode === "b");
  const required = inputs.length - (row["defaults"] as number);
  return inputs.map(({ name, type }, i) => ({ name, type, isRequired: i < required }));
}

function ambiguous(candidates: RpcFunction[]): RestError {
  return new RestError(300, {
    code: "PGRST203",
    message: `Could not choose the best candidate function between: ${
      candidates.map(signature).join(", ")
    }`,
    hint: "Try renaming the parameters or the function itself in the database so function " +
      "overloading can be resolved",
  });
}

function notFound(
  schema: string,
  name: string,
  argumentNames: string[],
  candidates: RpcFunction[],
): RestError {
  const list = argumentNames.join(", ");
  const searched = list === "" ? "without parameters" : `with parameters ${list}`;
  const called = list === ""
    ? `${schema}.${name} without parameters`
    : `${schema}.${name}(${list})`;
  return new RestError(404, {
    code: "PGRST202",
    message: `Could not find the function ${called} in the schema cache`,
    details: `Searched for the function ${schema}.${name} ${searched} or with a single unnamed ` +
      "json/jsonb parameter, but no matches were found in the schema cache.",
    hint: candidates[0] === undefined
      ? null
      : `Perhaps you meant to call the function ${signature(candidates[0])}`,
  });
}

function signature({ schema, name, arguments: list }: RpcFunction): string {
  return `${schema}.${name}(${list.map(({ name, type }) => `${name} => ${type}`).join(", ")})`;
}
