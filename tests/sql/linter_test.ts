import { assertEquals } from "@std/assert";
import type postgres from "postgres";
import { askCatalogue, type Questions } from "./ask_catalogue.ts";

/**
 * What Supabase's linter (splinter) would say if pgflow's schema were exposed, by the names of its
 * lints; each must find nothing.
 */
const lints: Record<string, (sql: postgres.Sql) => postgres.PendingQuery<postgres.Row[]>> = {
  "0001 unindexed_foreign_keys": (sql) =>
    sql`
    select k.conrelid::regclass || ' ' || k.conname as name
    from pg_constraint k
    where k.connamespace = 'pgflow'::regnamespace
      and k.contype = 'f'
      and not exists (
        select from pg_index i
        where i.indrelid = k.conrelid
          and i.indpred is null
          and (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey
      )
  `,
  "0003 auth_rls_initplan": (sql) =>
    sql`
    select policyname as name
    from pg_policies
    where policyname in (select policyname from pg_policies where schemaname = 'pgflow')
      and regexp_replace(
        concat(qual, with_check), 'SELECT \\w+\\.?_?\\w+\\([^()]*\\)', '', 'gi'
      ) ~* '(auth\\.\\w+|current_setting|_user_id|_may_watch|_caller)\\('
  `,
  "0004 no_primary_key": (sql) =>
    sql`
    select c.oid::regclass::text as name
    from pg_class c
    where c.relnamespace = 'pgflow'::regnamespace
      and c.relkind in ('r', 'p')
      and not exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary)
  `,
  "0006 multiple_permissive_policies": (sql) =>
    sql`
    select p.tablename || ' ' || r.role || ' ' || a.action as name
    from pg_policies p
    cross join unnest(p.roles) as r (role)
    cross join unnest(
      case p.cmd when 'ALL' then array['SELECT', 'INSERT', 'UPDATE', 'DELETE'] else array[p.cmd] end
    ) as a (action)
    where p.schemaname = 'pgflow' and p.permissive = 'PERMISSIVE'
    group by p.tablename, r.role, a.action
    having count(*) > 1
  `,
  "0007 policy_exists_rls_disabled": (sql) =>
    sql`
    select c.oid::regclass::text as name
    from pg_class c
    where c.relnamespace = 'pgflow'::regnamespace
      and not c.relrowsecurity
      and exists (select from pg_policy p where p.polrelid = c.oid)
  `,
  "0008 rls_enabled_no_policy": (sql) =>
    sql`
    select c.oid::regclass::text as name
    from pg_class c
    where c.relnamespace = 'pgflow'::regnamespace
      and c.relrowsecurity
      and not exists (select from pg_policy p where p.polrelid = c.oid)
  `,
  "0009 duplicate_index": (sql) =>
    sql`
    select i.indrelid::regclass || ' ' || i.indkey::text as name
    from pg_index i
    join pg_class c on c.oid = i.indrelid
    where c.relnamespace = 'pgflow'::regnamespace
    group by i.indrelid, i.indkey::text, pg_get_expr(i.indpred, i.indrelid),
      pg_get_expr(i.indexprs, i.indrelid)
    having count(*) > 1
  `,
  "0010 security_definer_view": (sql) =>
    sql`
    select c.oid::regclass::text as name
    from pg_class c
    where c.relnamespace = 'pgflow'::regnamespace
      and c.relkind = 'v'
      and not coalesce(c.reloptions, '{}') && array['security_invoker=on', 'security_invoker=true']
  `,
  "0011 function_search_path_mutable": (sql) =>
    sql`
    select p.oid::regproc::text as name
    from pg_proc p
    where p.pronamespace in ('pgflow'::regnamespace, 'public'::regnamespace)
      and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
      and not coalesce(p.proconfig, '{}') @> array['search_path=""']
      -- It commits between looks, which Postgres forbids with settings of its own.
      and p.oid <> 'pgflow.wait_for_tasks'::regproc
  `,
  "0013 rls_disabled_in_public": (sql) =>
    sql`
    select c.oid::regclass::text as name
    from pg_class c
    where c.relnamespace in ('pgflow'::regnamespace, 'public'::regnamespace)
      and c.relkind in ('r', 'p')
      and not c.relrowsecurity
  `,
  "0014 extension_in_public": (sql) =>
    sql`
    select extname as name from pg_extension
    where extnamespace = 'public'::regnamespace and extname <> 'pgtap'
  `,
  "0016 materialized_view_in_api": (sql) =>
    sql`
    select c.oid::regclass::text as name
    from pg_class c
    where c.relnamespace = 'pgflow'::regnamespace and c.relkind = 'm'
  `,
  "0019 insecure_queue_exposed_in_api": (sql) =>
    sql`
    select c.oid::regclass::text as name
    from pg_class c
    where c.relnamespace = 'pgmq'::regnamespace
      and c.relkind in ('r', 'p')
      and c.relname ~ '^[qa]_'
      and not c.relrowsecurity
  `,
  "0023 sensitive_columns_exposed": (sql) =>
    sql`
    select table_name || '.' || column_name as name
    from information_schema.columns
    where table_schema = 'pgflow'
      and column_name ~* '(password|passwd|secret|token|api_?key|private|ssn|card|cvv|email|phone)'
  `,
  "0024 permissive_rls_policy": (sql) =>
    sql`
    select policyname as name
    from pg_policies
    where schemaname = 'pgflow'
      and (coalesce(qual, 'false') in ('true', '(true)')
        or coalesce(with_check, 'false') in ('true', '(true)'))
  `,
  "0028 anon_security_definer_function_executable": (sql) => definersFor(sql, "anon"),
  "0029 authenticated_security_definer_function_executable": (sql) =>
    definersFor(sql, "authenticated"),
};

/** Of the schemas that the API shows; pgflow's, which it does not, holds what is behind them. */
function definersFor(sql: postgres.Sql, role: string) {
  return sql`
    select p.oid::regprocedure::text as name
    from pg_proc p
    where p.pronamespace = 'public'::regnamespace
      and p.prosecdef
      and has_function_privilege(${role}, p.oid, 'execute')
      and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
  `;
}

const questions: Questions = Object.fromEntries(
  Object.entries(lints).map(([name, lint]) => [name, async (sql) => {
    await sql`select pgflow.create_flow('linted')`;
    const found = await lint(sql);
    assertEquals(found.map((row) => row.name), []);
  }]),
);

questions["each lint finds what it looks for"] = async (sql) => {
  await sql.begin(async (session) => {
    await session.unsafe(`
      create table pgflow.bad (run_id uuid references pgflow.runs, password text);
      create index on pgflow.bad (password);
      create index on pgflow.bad (password);
      create policy a on pgflow.bad for select using (true);
      create policy b on pgflow.bad for all using (auth.uid() = run_id);
      create table pgflow.silent (id int);
      alter table pgflow.silent enable row level security;
      create view pgflow.wide as select * from pgflow.runs;
      create materialized view pgflow.stored as select 1 as one;
      create function public.loose() returns int security definer language sql as 'select 1';
      create table pgmq.q_open (id int);
      create table public.open (id int);
    `);
    const silent = [];
    for (const [name, lint] of Object.entries(lints)) {
      const found = await lint(session as unknown as postgres.Sql);
      if (found.length === 0) silent.push(name);
    }
    assertEquals(silent, ["0014 extension_in_public"]);
    throw new RollBack();
  }).catch((error) => {
    if (!(error instanceof RollBack)) throw error;
  });
};

questions["the policies find a user's runs and their steps by index"] = async (sql) => {
  await sql.begin(async (session) => {
    await session.unsafe(`
      grant select on all tables in schema pgflow to authenticated;
      set local enable_seqscan = off;
      set local role authenticated;
    `);
    const plan = async (query: string) => {
      const rows = await session.unsafe(`explain (costs off) ${query}`);
      return rows.map((row) => row["QUERY PLAN"]).join("\n");
    };
    const runs = await plan("select * from pgflow.runs order by started_at desc limit 10");
    const steps = await plan(
      "select * from pgflow.step_states where run_id = '10000000-0000-4000-8000-000000000001'",
    );

    assertEquals(
      [
        /InitPlan/.test(runs),
        /runs_owner_idx/.test(runs),
        /step_states_pkey/.test(steps),
        /Seq Scan/.test(steps),
      ],
      [true, true, true, false],
      `${runs}\n${steps}`,
    );
    throw new RollBack();
  }).catch((error) => {
    if (!(error instanceof RollBack)) throw error;
  });
};

class RollBack extends Error {}

askCatalogue("Supabase's linter would find nothing", questions);
