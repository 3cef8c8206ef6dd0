import type postgres from "postgres";
import type { FlowShape } from "./flow_shape.ts";
import type { Json } from "./json.ts";
import type { ClaimedTask, HiddenMessage, RunRow, Start, TaskRow } from "./rows.ts";

/** The engine's SQL functions over one session, and the two ways in which tests move time. */
export class Engine {
  readonly sql: postgres.Sql;

  constructor(sql: postgres.Sql) {
    this.sql = sql;
  }

  async compile({ flow_slug, ...shape }: FlowShape): Promise<string> {
    const [row] = await this.sql`
      select pgflow.ensure_flow_compiled(${flow_slug}, ${json(shape)}::text::jsonb) as answer`;
    return row!.answer.status;
  }

  async start(start: Start): Promise<RunRow[]> {
    if (start.watched) {
      const rows = await this.sql`
        select pgflow.start_flow_with_states(
          ${start.flow}, ${json(start.input)}::text::jsonb, ${start.runId ?? null}::uuid
        ) as state`;
      return rows.map((row) => row.state.run);
    }
    return await this.sql<RunRow[]>`
      select r.* from pgflow.start_flow(
        flow_slug => ${start.flow},
        input => ${json(start.input)}::text::jsonb,
        run_id => ${start.runId ?? null}::uuid,
        idempotency_key => ${start.key ?? null}::text,
        start_at => case when ${start.later ?? false} then now() + interval '1 day' end
      ) r`;
  }

  async startMany(flow: string, inputs: Json[]): Promise<RunRow[]> {
    return await this.sql<RunRow[]>`
      select r.* from pgflow.start_flows(${flow}, ${json(inputs)}::text::jsonb) r`;
  }

  async poll(
    flow: string,
    options: { vt: number; qty: number; workerId: string | null },
  ): Promise<ClaimedTask[]> {
    return await this.sql<ClaimedTask[]>`
      select t.* from pgflow.poll_for_tasks(
        queue_name => ${flow}, vt => ${options.vt}, qty => ${options.qty}, max_poll_seconds => 0,
        worker_id => ${options.workerId}::uuid
      ) t`;
  }

  /** Reads messages itself and claims their tasks, twice, as overlapping callers would. */
  async readAndStart(flow: string, qty: number, workerId: string): Promise<ClaimedTask[]> {
    return await this.sql<ClaimedTask[]>`
      with ids as materialized (
        select array_agg(m.msg_id) as ids
        from pgmq.read(queue_name => ${flow}, vt => 0, qty => ${qty}::int) m
      )
      select t.* from ids, pgflow.start_tasks(${flow}, ids.ids, ${workerId}::uuid) t
      union all
      select t.* from ids, pgflow.start_tasks(${flow}, ids.ids, ${workerId}::uuid) t`;
  }

  async settle(results: unknown[]): Promise<TaskRow[]> {
    return await this.sql<TaskRow[]>`
      select t.* from pgflow.settle_tasks(${json(results)}::text::jsonb) t`;
  }

  async completeTask(task: TaskRow, output: Json): Promise<TaskRow[]> {
    return await this.sql<TaskRow[]>`
      select t.* from pgflow.complete_task(
        ${task.run_id}, ${task.step_slug}, ${task.task_index}, ${json(output)}::text::jsonb
      ) t`;
  }

  async failTask(task: TaskRow, message: string, permanent: boolean): Promise<TaskRow[]> {
    return await this.sql<TaskRow[]>`
      select t.* from pgflow.fail_task(
        ${task.run_id}, ${task.step_slug}, ${task.task_index}, ${message}, permanent => ${permanent}
      ) t`;
  }

  async completeStep(task: TaskRow, output: Json): Promise<TaskRow[]> {
    return await this.sql<TaskRow[]>`
      select t.* from pgflow.complete_step(
        ${task.run_id}, ${task.step_slug}, ${json(output)}::text::jsonb, ${task.task_index}
      ) t`;
  }

  async failStep(task: TaskRow, message: string): Promise<TaskRow[]> {
    return await this.sql<TaskRow[]>`
      select t.* from pgflow.fail_step(
        ${task.run_id}, ${task.step_slug}, ${message}, ${task.task_index}
      ) t`;
  }

  async cancel(runId: string): Promise<RunRow[]> {
    return await this.sql<RunRow[]>`select r.* from pgflow.cancel_run(${runId}) r`;
  }

  async retry(runId: string): Promise<RunRow[]> {
    return await this.sql<RunRow[]>`select r.* from pgflow.retry_run(${runId}) r`;
  }

  /** Calls the two repairs, which must find nothing to do. */
  async repair(runId: string): Promise<void> {
    await this.sql`select pgflow.start_ready_steps(${runId}), pgflow.maybe_complete_run(${runId})`;
  }

  async run(runId: string): Promise<RunRow | undefined> {
    return (await this.sql<RunRow[]>`select r.* from pgflow.runs r where r.run_id = ${runId}`)[0];
  }

  async runs(): Promise<RunRow[]> {
    return await this.sql<RunRow[]>`select r.* from pgflow.runs r order by r.run_id`;
  }

  async openTasks(): Promise<TaskRow[]> {
    return await this.sql<TaskRow[]>`
      select t.*, t.due_at is not null as is_outside, s.performed_by
      from pgflow.step_tasks t
      join pgflow.steps s using (flow_slug, step_slug)
      where t.status in ('queued', 'started', 'waiting')
      order by t.run_id, t.step_slug, t.task_index`;
  }

  /** Says that some workers live and another does no more, and lets that one's tasks come back. */
  async loseWorker(lost: string, living: string[]): Promise<number> {
    for (const worker of [lost, ...living]) {
      await this.sql`select pgflow.register_worker(${worker}, 'any', 'any')`;
    }
    await this.sql`select pgflow.stop_worker(${lost})`;
    const [row] = await this.sql`select pgflow.requeue_stalled_tasks() as requeued`;
    return row!.requeued;
  }

  /** Returns how many of these attempts may no longer report. */
  async closedAttempts(attempts: unknown[]): Promise<number> {
    const [row] = await this.sql`
      select count(*)::int as closed from pgflow.closed_attempts(${json(attempts)}::text::jsonb)`;
    return row!.closed;
  }

  /** Returns the messages of tasks that nobody holds and that wait for a retry. */
  async hiddenMessages(flow: string): Promise<HiddenMessage[]> {
    return await this.sql<HiddenMessage[]>`
      select m.msg_id, m.read_ct, t.run_id, t.step_slug, t.task_index
      from ${this.#queue(flow)} m
      join pgflow.step_tasks t on t.flow_slug = ${flow} and t.message_id = m.msg_id
      where t.status = 'queued'
        and t.open_attempt is null
        and m.vt > clock_timestamp()
      order by m.msg_id`;
  }

  /** Makes a message visible, unless somebody has read it since `readCount` was looked up. */
  async makeVisible(flow: string, messageId: string, readCount?: number): Promise<void> {
    await this.sql`
      update ${this.#queue(flow)} m
      set vt = clock_timestamp() - interval '1 second'
      where m.msg_id = ${messageId}
        and m.read_ct = coalesce(${readCount ?? null}::int, m.read_ct)`;
  }

  /** Lets the time come that a task outside the queue waits for; one row, as a held lock would be. */
  async makeDue(task: TaskRow): Promise<void> {
    await this.sql`
      update pgflow.step_tasks t
      set due_at = clock_timestamp() - interval '1 second'
      where t.run_id = ${task.run_id}
        and t.step_slug = ${task.step_slug}
        and t.task_index = ${task.task_index}
        and t.status = ${task.status}
        and t.due_at is not null`;
  }

  /** Forgets ended runs as an operator would, then the flows and their queues. */
  async forget(flows: Iterable<string>): Promise<number> {
    for (;;) {
      const [row] = await this.sql`
        select pgflow.prune_data_older_than(interval '0') as pruned`;
      if (!row!.pruned.more) break;
    }
    const [left] = await this.sql`select count(*)::int as runs from pgflow.runs`;
    for (const flow of flows) await this.sql`select pgflow.delete_flow_and_data(${flow})`;
    await this.sql`truncate realtime.messages`;
    await this.sql`vacuum pgflow.runs, pgflow.step_states, pgflow.step_tasks, pgflow.task_failures`;
    return left!.runs;
  }

  #queue(flow: string) {
    return this.sql(`pgmq.q_${flow.toLowerCase()}`);
  }
}

function json(value: unknown): string {
  return JSON.stringify(value);
}
