import { assertEquals } from "@std/assert";
import type postgres from "postgres";
import { askCatalogue, type Questions } from "./ask_catalogue.ts";

/** The questions of Supabase's linter, and a few of our own, put to the catalogue. */
const questions: Questions = {};

/** Selects pgflow's functions, in its own schema and in public. */
const ours = (sql: postgres.Sql) =>
  sql`
  p.pronamespace in ('pgflow'::regnamespace, 'public'::regnamespace)
    and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
`;

const names = (rows: Iterable<Record<string, unknown>>) => Array.from(rows, (row) => row.name);

questions["every table of pgflow has row level security on"] = async (sql) => {
  const without = await sql`
    select c.oid::regclass::text as name
    from pg_class c
    where c.relnamespace = 'pgflow'::regnamespace
      and c.relkind in ('r', 'p')
      and not c.relrowsecurity
  `;
  assertEquals(names(without), []);
};

questions["every function has an empty search_path, but for the procedure that commits"] = async (
  sql,
) => {
  const without = await sql`
    select p.oid::regprocedure::text as name
    from pg_proc p
    where ${ours(sql)}
      and not coalesce(p.proconfig, '{}') @> array['search_path=""']
  `;
  assertEquals(names(without), ["pgflow.wait_for_tasks(text[],integer,integer)"]);
};

questions["the procedure that commits is an invoker's"] = async (sql) => {
  const [procedure] = await sql`
    select prokind, prosecdef from pg_proc where oid = 'pgflow.wait_for_tasks'::regproc
  `;
  assertEquals(procedure, { prokind: "p", prosecdef: false });
};

questions["nobody but the owner may execute anything, except what is granted on purpose"] = async (
  sql,
) => {
  const granted = await sql`
    select r.role || ' ' || p.oid::regprocedure as name
    from pg_proc p
    cross join unnest(array['anon', 'authenticated', 'authenticator', 'service_role']) as r (role)
    where ${ours(sql)}
      and has_function_privilege(r.role, p.oid, 'execute')
    order by (r.role || ' ' || p.oid::regprocedure) collate "C"
  `;
  const start = "start_flow(text,jsonb,uuid,text,timestamp with time zone,uuid)";
  const signedIn = [
    "cancel_run(uuid)",
    "complete_step(uuid,text,jsonb,integer)",
    "fail_step(uuid,text,text,integer)",
    "get_run(uuid)",
    "list_approvals(integer,jsonb)",
    "list_runs(text,text,integer,jsonb)",
    "retry_run(uuid)",
    start,
  ];
  const withDefiners = (functions: string[]) => functions.flatMap((f) => [f, `pgflow.api_${f}`]);
  assertEquals(
    names(granted),
    [
      ...withDefiners([start]).map((f) => `anon ${f}`),
      ...["authenticated", "service_role"].flatMap((role) =>
        withDefiners(signedIn).map((f) => `${role} ${f}`)
      ),
      "anon pgflow._may_watch(text)",
      "authenticated pgflow._may_watch(text)",
      "authenticated pgflow._user_id()",
    ].sort(),
  );
};

questions["PUBLIC may execute nothing"] = async (sql) => {
  const open = await sql`
    select p.oid::regprocedure::text as name
    from pg_proc p
    cross join lateral aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
    where ${ours(sql)}
      and a.grantee = 0
  `;
  assertEquals(names(open), []);
};

questions["security definer functions are those behind the API, in a schema it does not show"] =
  async (
    sql,
  ) => {
    const definers = await sql`
    select p.oid::regproc::text as name
    from pg_proc p
    where p.pronamespace in ('pgflow'::regnamespace, 'public'::regnamespace)
      and p.prosecdef
      and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
    order by 1
  `;
    assertEquals(names(definers), [
      "pgflow._may_watch",
      "pgflow.api_cancel_run",
      "pgflow.api_complete_step",
      "pgflow.api_fail_step",
      "pgflow.api_get_run",
      "pgflow.api_list_approvals",
      "pgflow.api_list_runs",
      "pgflow.api_retry_run",
      "pgflow.api_start_flow",
    ]);
  };

questions["no role of the API may touch a table, view or sequence"] = async (sql) => {
  const granted = await sql`
    select distinct a.grantee::regrole || ' ' || c.oid::regclass as name
    from pg_class c
    cross join lateral aclexplode(c.relacl) a
    where c.relnamespace = 'pgflow'::regnamespace
      and a.grantee <> c.relowner
  `;
  assertEquals(names(granted), []);
};

questions["roles of the API may name what is in the schema, and create nothing there"] = async (
  sql,
) => {
  const roles = await sql`
    select r.role || ' ' || p.privilege as name
    from unnest(array['anon', 'authenticated', 'authenticator', 'service_role']) as r (role)
    cross join unnest(array['usage', 'create']) as p (privilege)
    where has_schema_privilege(r.role, 'pgflow', p.privilege)
  `;
  assertEquals(names(roles), ["anon usage", "authenticated usage", "service_role usage"]);
};

questions["every view reads with the rights of its caller"] = async (sql) => {
  const views = await sql`
    select c.oid::regclass::text as name
    from pg_class c
    where c.relnamespace = 'pgflow'::regnamespace
      and c.relkind in ('v', 'm')
      and not coalesce(c.reloptions, '{}') && array['security_invoker=on', 'security_invoker=true']
  `;
  assertEquals(names(views), []);
};

questions["every foreign key has an index"] = async (sql) => {
  const without = await sql`
    select k.conrelid::regclass || ' ' || k.conname as name
    from pg_constraint k
    where k.connamespace = 'pgflow'::regnamespace
      and k.contype = 'f'
      and not exists (
        select
        from pg_index i
        where i.indrelid = k.conrelid
          and i.indpred is null
          and (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey
      )
  `;
  assertEquals(names(without), []);
};

questions["no two indexes of a table have the same columns, and every table has a primary key"] =
  async (sql) => {
    const doubled = await sql`
    select i.indrelid::regclass || ' ' || i.indkey::text as name
    from pg_index i
    join pg_class c on c.oid = i.indrelid
    where c.relnamespace = 'pgflow'::regnamespace
    group by i.indrelid, i.indkey::text, pg_get_expr(i.indpred, i.indrelid),
      pg_get_expr(i.indexprs, i.indrelid)
    having count(*) > 1
    union all
    select c.oid::regclass::text
    from pg_class c
    where c.relnamespace = 'pgflow'::regnamespace
      and c.relkind = 'r'
      and not exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary)
  `;
    assertEquals(names(doubled), []);
  };

questions["nothing of pgflow's is an extension in public"] = async (sql) => {
  const extensions = await sql`
    select extname as name from pg_extension
    where extnamespace = 'public'::regnamespace and extname not in ('pgtap')
  `;
  assertEquals(names(extensions), []);
};

askCatalogue("pgflow lets nobody in who was not let in on purpose", questions);
