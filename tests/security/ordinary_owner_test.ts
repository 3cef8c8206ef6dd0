import { assertEquals } from "@std/assert";
import postgres from "postgres";
import { migrationFiles } from "../../lib/local/migration_files.ts";
import { testDatabase } from "../database.ts";
import { OTHER, OWNER } from "./callers.ts";

/** What the platform's role postgres has in the schemas that it does not own. */
const asOnThePlatform = (role: string) => `
  grant usage on schema net, vault, cron, realtime to ${role};
  grant select on vault.decrypted_secrets to ${role};
  grant select on cron.job, cron.job_run_details to ${role};
  grant execute on all functions in schema net, cron, vault, realtime to ${role};
  grant all on all tables in schema realtime to ${role};
`;

const surroundings: Record<string, (role: string) => string> = {
  "with what the platform grants": asOnThePlatform,
  "with no rights on what the platform has": () => "",
};

for (const [how, grants] of Object.entries(surroundings)) {
  Deno.test(`migrations and runs need no superuser, ${how}`, async () => {
    await using project = await ordinaryProject(grants);
    const { owner: sql } = project;
    await sql`select pgflow.create_flow('members', startable_by => array['authenticated'])`;
    await sql`select pgflow.add_step('members', 'ask', performed_by => 'approval', assignee => 'owner')`;
    await sql`select pgflow.add_step('members', 'work', array['ask'])`;

    const run = await project.as(OWNER, "start_flow", { flow_slug: "members", input: 1 });
    const { run_id } = run as { run_id: string };
    const listed = await project.as(OWNER, "list_approvals", {});
    await project.as(OWNER, "complete_step", { run_id, step_slug: "ask", output: 2 });
    const [task] = await sql`select * from pgflow.poll_for_tasks('members', 1, 1, 0)`;
    await sql`select pgflow.complete_task(${run_id}, 'work', 0, ${sql.json(task!.input)})`;
    const read = await project.as(OWNER, "get_run", { run_id });
    const others = await project.as(OTHER, "get_run", { run_id }).catch(({ code }) => code);
    const cancelled = await project.as(OWNER, "cancel_run", { run_id });
    const runs = await project.as(OTHER, "list_runs", {});
    const housekeeping = await sql`
      select pgflow.requeue_stalled_tasks() as stalled,
        pgflow.prune_data_older_than('0 s') -> 'runs' as pruned,
        (select count(*)::int from pgflow.broken_invariants) as broken
    `;
    await sql`select pgflow.delete_flow_and_data('members')`;

    assertEquals((listed as { step_slug: string }).step_slug, "ask");
    assertEquals((read as { run: { output: unknown } }).run.output, { work: { run: 1, ask: 2 } });
    assertEquals((cancelled as { status: string }).status, "completed");
    assertEquals([others, runs], ["PF005", undefined]);
    assertEquals({ ...housekeeping[0] }, { stalled: 0, pruned: 1, broken: 0 });

    await sql`select pgflow.uninstall(confirm => 'delete all flows and runs')`;
    const [left] = await sql`
      select
        to_regnamespace('pgflow') as pgflow,
        (select count(*)::int from pg_proc where pronamespace = 'public'::regnamespace) as functions
    `;
    assertEquals({ ...left }, { pgflow: null, functions: 0 });
  });
}

/** A database whose owner has the attributes of the platform's role postgres and applied it all. */
async function ordinaryProject(grants: (role: string) => string) {
  const server = await testDatabase();
  const name = `pgflow_owner_${crypto.randomUUID().slice(0, 8)}`;
  await server.sql.unsafe(`
    create role ${name} login password 'pw' nosuperuser createdb createrole replication bypassrls
  `);
  await server.sql.unsafe(`create database ${name} template template0 owner ${name}`);
  const url = new URL(server.url);
  url.pathname = `/${name}`;
  const superuser = postgres(url.href, { max: 1, onnotice: () => {} });
  url.username = name;
  url.password = "pw";
  const owner = postgres(url.href, { max: 1, onnotice: () => {} });

  const [platform, ...migrations] = migrationFiles();
  await superuser.unsafe(await Deno.readTextFile(platform!)).simple();
  await superuser.unsafe(`create extension pgmq; ${handOver(name)}; ${grants(name)}`).simple();
  for (const file of migrations) {
    const text = await Deno.readTextFile(file);
    await owner.begin((transaction) => transaction.unsafe(text).simple());
  }

  return {
    owner,
    /** Calls a function of the API as a signed-in user; returns its first row. */
    async as(sub: string, call: string, args: Record<string, unknown>): Promise<unknown> {
      const list = Object.entries(args).map(([key, value]) => `${key} => '${value}'`).join(", ");
      const rows = await superuser.begin(async (session) => {
        const claims = JSON.stringify({ role: "authenticated", sub });
        await session`select set_config('request.jwt.claims', ${claims}, true)`;
        await session`set local role authenticated`;
        return await session.unsafe(`select to_jsonb(x) as row from public.${call}(${list}) x`);
      });
      return rows[0]?.row;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([owner.end({ timeout: 1 }), superuser.end({ timeout: 1 })]);
      await server.sql.unsafe(`drop database ${name} with (force)`);
      await server.sql.unsafe(`drop role ${name}`);
      await server[Symbol.asyncDispose]();
    },
  };
}

/** As the platform does after "create extension pgmq": the owner of all that is in it changes. */
function handOver(role: string): string {
  return `
    do $$
    declare
      v_object record;
    begin
      alter schema pgmq owner to ${role};
      for v_object in
        select format('alter table %s owner to ${role}', c.oid::regclass) as command
        from pg_class c where c.relnamespace = 'pgmq'::regnamespace and c.relkind in ('r', 'p')
        union all
        select format('alter routine %s owner to ${role}', p.oid::regprocedure)
        from pg_proc p where p.pronamespace = 'pgmq'::regnamespace
        union all
        select format('alter type %s owner to ${role}', t.oid::regtype)
        from pg_type t join pg_class c on c.oid = t.typrelid
        where t.typnamespace = 'pgmq'::regnamespace and c.relkind = 'c'
      loop
        execute v_object.command;
      end loop;
    end;
    $$
  `;
}
