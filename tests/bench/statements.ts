import { flows, openConnection, startRuns } from "./drain.ts";

/** How many statements one call of settle_tasks executed. */
export interface StatementCount {
  tasks: number;
  /** Statements of the engine and of pgmq. */
  statements: number;
  /** Referential checks, which Postgres makes one for each row. */
  referentialChecks: number;
}

/** Counts what settle_tasks executes for a batch of the diamond's first step. */
export async function countStatements(url: string, tasks: number): Promise<StatementCount> {
  const { slug, shape } = flows.diamond;
  const sql = openConnection(url);
  await sql`create extension if not exists pg_stat_statements`;
  await sql`select pgflow.ensure_flow_compiled(${slug}, ${JSON.stringify(shape)}::text::jsonb)`;
  await startRuns(sql, slug, tasks);
  const claimed = await sql`
    select run_id, step_slug, task_index, attempt
    from pgflow.poll_for_tasks(queue_name => ${slug}, vt => 2, qty => ${tasks}, max_poll_seconds => 0)`;
  const results = JSON.stringify(claimed.map((task) => ({ ...task, output: {} })));
  await sql`select pg_stat_statements_reset()`;
  await sql`set pg_stat_statements.track = 'all'`;
  await sql`select count(*) from pgflow.settle_tasks(${results}::text::jsonb)`;
  await sql`set pg_stat_statements.track = 'none'`;
  const [row] = await sql<{ statements: number; checks: number }[]>`
    select
      sum(calls) filter (where query not like '%FOR KEY SHARE OF x%')::int as statements,
      coalesce(sum(calls) filter (where query like '%FOR KEY SHARE OF x%'), 0)::int as checks
    from pg_stat_statements
    where query not like 'set %'`;
  await sql`delete from pgflow.runs where flow_slug = ${slug}`;
  await sql`select pgmq.purge_queue(${slug})`;
  await sql.end();
  return { tasks, statements: row!.statements, referentialChecks: row!.checks };
}
