import type postgres from "postgres";
import { addDelayedRuns, addFinishedRuns } from "../fill_tables.ts";

/**
 * Fills a database with flows of all kinds, and its tables with so many finished and delayed runs,
 * child runs, failures, workers and owners, of whom one has an eighth of the runs.
 */
export async function fillDatabase(
  sql: postgres.Sql,
  { size, owner }: { size: number; owner: string },
): Promise<void> {
  await sql`select pgflow.install_watchdog('http://127.0.0.1:1', 'secret')`;
  await sql`select pgflow_tests.setup_flow('single')`;
  await sql`select pgflow_tests.setup_flow('sequential')`;
  await sql`select pgflow.create_flow('kinds', on_failure_slug => 'single')`;
  await sql`select pgflow.add_step('kinds', 'list')`;
  await sql`select pgflow.add_step('kinds', 'each', '{list}', step_type => 'map')`;
  await sql`
    select pgflow.add_step('kinds', 'child', '{list}', performed_by => 'subflow',
      subflow_slug => 'single')`;
  await sql`
    select pgflow.add_step('kinds', 'sometimes', '{list}', required_input_pattern => '{"run": 2}')`;
  await sql`select pgflow.add_step('kinds', 'later', '{list}', start_delay => 3600)`;
  await sql`
    select pgflow.add_step('kinds', 'sign', '{each,child}', performed_by => 'approval',
      timeout => 3600)`;

  await sql`select pgflow.create_flow('asks', startable_by => '{authenticated}',
    open_runs_per_owner => 10, starts_per_minute_per_owner => 10)`;
  await sql`select pgflow.add_step('asks', 'sign', performed_by => 'approval',
    assignee => 'role:boss')`;

  await addFinishedRuns(sql, "sequential", size);
  await sql`
    update pgflow.runs
    set owner = case
      when ('x' || right(run_id::text, 1))::bit(4)::int < 2 then ${owner}
      else gen_random_uuid()
    end`;
  await addDelayedRuns(sql, "sequential", size);
  await addFinishedRuns(sql, "single", size / 2);
  await sql`
    update pgflow.runs
    set root_run_id = gen_random_uuid(), parent_run_id = gen_random_uuid(),
      parent_step_slug = 'first', parent_task_index = 0
    where flow_slug = 'single'
      and ('x' || right(run_id::text, 1))::bit(4)::int < 8`;
  await sql`
    insert into pgflow.owner_counts (flow_slug, owner)
    select 'asks', gen_random_uuid() from generate_series(1, ${size}::int)`;
  await sql`
    insert into pgflow.task_failures (run_id, step_slug, task_index, attempt, error_message)
    select run_id, step_slug, 0, 1, 'no' from pgflow.step_tasks where status = 'completed'`;
  await sql`
    insert into pgflow.workers (
      worker_id, queue_name, function_name, started_at, last_heartbeat_at, stopped_at
    )
    select gen_random_uuid(), 'sequential', 'old', t.at, t.at, t.at
    from generate_series(1, ${size}::int) i
    cross join lateral (select now() - i * interval '1 minute' as at) t`;
  await sql`
    select count(*)
    from pgflow.start_flows('sequential', (select jsonb_agg(i) from generate_series(1, 2000) i))`;
  await sql`
    select count(*)
    from pgflow.start_flows('asks', (select jsonb_agg(i) from generate_series(1, 2000) i))`;
  await sql`vacuum analyze`;
}
