import { assert, assertEquals } from "@std/assert";
import type postgres from "postgres";
import { testDatabase } from "../database.ts";
import { type Caller, callers, claimsOf } from "./callers.ts";
import { flows } from "./operations.ts";

const tried = ["anon", "owner", "server"] as const;

/** Every function that a role of the API may call; all others must refuse it. */
const granted: Record<string, Caller["role"][]> = {
  "public.start_flow": ["anon", "authenticated", "service_role"],
  "public.get_run": ["authenticated", "service_role"],
  "public.list_runs": ["authenticated", "service_role"],
  "public.cancel_run": ["authenticated", "service_role"],
  "public.retry_run": ["authenticated", "service_role"],
  "public.complete_step": ["authenticated", "service_role"],
  "public.fail_step": ["authenticated", "service_role"],
  "public.list_approvals": ["authenticated", "service_role"],
  "pgflow.api_start_flow": ["anon", "authenticated", "service_role"],
  "pgflow.api_get_run": ["authenticated", "service_role"],
  "pgflow.api_list_runs": ["authenticated", "service_role"],
  "pgflow.api_cancel_run": ["authenticated", "service_role"],
  "pgflow.api_retry_run": ["authenticated", "service_role"],
  "pgflow.api_complete_step": ["authenticated", "service_role"],
  "pgflow.api_fail_step": ["authenticated", "service_role"],
  "pgflow.api_list_approvals": ["authenticated", "service_role"],
  "pgflow._may_watch": ["anon", "authenticated"],
  "pgflow._user_id": ["authenticated"],
};

Deno.test("no role may read or write a table, a view or a queue", async (test) => {
  await using database = await testDatabase();
  const { sql } = database;
  await sql.unsafe(flows);
  const relations = await sql`
    select c.oid::regclass::text as name, quote_ident(a.attname) as first_column,
      pg_relation_is_updatable(c.oid, true) > 0 as is_updatable
    from pg_class c
    join lateral (
      select attname from pg_attribute
      where attrelid = c.oid and attnum > 0 and not attisdropped and attgenerated = ''
      order by attnum limit 1
    ) a on true
    where c.relkind in ('r', 'p', 'v', 'm', 'f')
      and (
        c.relnamespace = 'pgflow'::regnamespace
        or c.relnamespace = 'pgmq'::regnamespace and c.relname in ('q_members', 'a_members', 'meta')
      )
    order by 1
  `;

  let cases = 0;
  for (const { name, first_column: column, is_updatable } of relations) {
    const statements = {
      select: `select from ${name}`,
      insert: `insert into ${name} default values`,
      update: `update ${name} set ${column} = ${column} where true`,
      delete: `delete from ${name} where true`,
    };
    for (const [verb, statement] of Object.entries(statements)) {
      for (const caller of tried) {
        cases++;
        await test.step(`${caller}: ${verb} ${name}`, async () => {
          // What nobody can do at all is said before who may.
          const refusal = verb === "select" || is_updatable ? "42501" : "55000";
          assertEquals(await attempt(sql, caller, statement), refusal);
        });
      }
    }
  }
  assert(cases >= 150, `${cases} cases`);
});

Deno.test("no role may call a function, but for those that are listed", async (test) => {
  await using database = await testDatabase();
  const { sql } = database;
  const functions = await sql`
    select
      p.oid::regproc::text as name,
      n.nspname || '.' || p.proname as full_name,
      p.prokind as kind,
      array(
        select format('null::%s', format_type(t, null)) from unnest(p.proargtypes::oid[]) t
      ) as args
    from pg_proc p
    join pg_namespace n on n.oid = p.pronamespace
    where n.nspname in ('pgflow', 'public')
      and p.prorettype <> 'trigger'::regtype
      and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
    order by 2
  `;
  const known = new Set(functions.map((row) => row.full_name));
  assertEquals(Object.keys(granted).filter((name) => !known.has(name)), []);

  let cases = 0;
  for (const { full_name, kind, args } of functions) {
    const call = `${full_name}(${args.join(", ")})`;
    const statement = kind === "p" ? `call ${call}` : `select ${call}`;
    for (const caller of tried) {
      const { role } = callers[caller];
      cases++;
      await test.step(`${role}: ${full_name}`, async () => {
        const code = await attempt(sql, caller, statement);
        assertEquals(code === "42501", !granted[full_name]?.includes(role), code);
      });
    }
  }
  assert(cases >= 150, `${cases} cases`);
});

Deno.test("were the tables granted and the schema exposed, users would read their own rows", async () => {
  await using database = await testDatabase();
  const { sql } = database;
  await sql.unsafe(flows);
  await sql`
    insert into pgflow.workers (worker_id, queue_name, function_name)
    values (gen_random_uuid(), 'members', 'members')
  `;
  for (const caller of ["owner", "other", "server"] as const) {
    await sql.begin(async (session) => {
      await actAs(session, caller);
      const client = await session`select public.start_flow('expense', '1') ->> 'run_id' as id`;
      await session`reset role`;
      await session`select pgflow.fail_task(${client[0]!.id}, 'by_worker', 0, 'no')`;
    });
  }
  await sql`grant select, insert, update, delete on all tables in schema pgflow
    to anon, authenticated, service_role`;

  const tables = await sql`
    select tablename as name from pg_tables where schemaname = 'pgflow' order by 1
  `;
  const seen = Object.fromEntries(
    await Promise.all(tables.map(async ({ name }) => {
      const counts = [];
      for (const caller of ["anon", "foreign", "owner", "other"] as const) {
        counts.push(await count(sql, caller, `select from pgflow.${name}`));
      }
      counts.push(
        await count(sql, "owner", `update pgflow.${name} set ${await column(sql, name)}`),
      );
      counts.push(await count(sql, "owner", `delete from pgflow.${name} where true`));
      counts.push(await count(sql, "server", `select from pgflow.${name}`) > 0);
      return [name, counts];
    })),
  );

  const own = [0, 0, 1, 1, 0, 0, true];
  const nobodys = [0, 0, 0, 0, 0, 0, true];
  assertEquals(seen, {
    deps: [0, 0, 0, 0, 0, 0, false],
    flows: nobodys,
    functions: nobodys,
    owner_counts: [0, 0, 0, 0, 0, 0, false],
    runs: own,
    step_states: [0, 0, 5, 5, 0, 0, true],
    step_tasks: [0, 0, 5, 5, 0, 0, true],
    steps: nobodys,
    task_failures: own,
    workers: nobodys,
  });
});

async function column(sql: postgres.Sql, table: string): Promise<string> {
  const [row] = await sql`
    select quote_ident(attname) || ' = ' || quote_ident(attname) || ' where true' as clause
    from pg_attribute
    where attrelid = ${`pgflow.${table}`}::regclass and attnum = 1
  `;
  return row!.clause;
}

async function count(
  sql: postgres.Sql,
  caller: keyof typeof callers,
  statement: string,
): Promise<number> {
  let count = 0;
  await sql.begin(async (session) => {
    await actAs(session, caller);
    count = (await session.unsafe(statement)).count;
    throw new RollBack();
  }).catch((error) => {
    if (!(error instanceof RollBack)) throw error;
  });
  return count;
}

class RollBack extends Error {}

async function actAs(session: postgres.TransactionSql, caller: keyof typeof callers) {
  await session`select set_config('request.jwt.claims', ${claimsOf(caller)}, true)`;
  await session.unsafe(`set local role ${callers[caller].role}`);
}

/** Returns "ok", or the code of what went wrong. */
async function attempt(
  sql: postgres.Sql,
  caller: keyof typeof callers,
  statement: string,
): Promise<string> {
  try {
    await count(sql, caller, statement);
    return "ok";
  } catch (error) {
    return (error as postgres.PostgresError).code;
  }
}
