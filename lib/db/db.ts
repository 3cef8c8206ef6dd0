import type {
  PollArguments,
  RegisterArguments,
  StartFlowArguments,
  WaitArguments,
} from "./arguments.ts";
import { formatArray } from "./arrays.ts";
import { Lanes } from "./lanes.ts";
import type {
  Attempt,
  ClaimedTask,
  CompileResult,
  Run,
  SettledTask,
  StepDuration,
  TaskId,
  TaskResult,
} from "./rows.ts";
import * as rows from "./rows.ts";

/**
 * Calls the SQL functions, each method the function of its name.
 *
 * Calls made in one turn of the event loop share a connection and a round trip, once they are
 * prepared there. A wait has the first connection to itself while there is a second one.
 */
export class Db extends Lanes {
  /** Returns the version of the installed schema. */
  async schemaVersion(): Promise<string> {
    const [row] = await this.work().run((sql) =>
      sql<{ version: string }[]>`select pgflow.schema_version() as version`
    );
    return row!.version;
  }

  /** Stores the flow, or compares it with what is stored, which it replaces only if asked to. */
  async ensureFlowCompiled(
    flowSlug: string,
    shape: unknown,
    { replace = false } = {},
  ): Promise<CompileResult> {
    const [row] = await this.work().run((sql) =>
      sql<{ answer: Parameters<typeof rows.toCompileResult>[0] }[]>`
        select pgflow.ensure_flow_compiled(
          flow_slug => ${flowSlug}::text,
          shape => ${JSON.stringify(shape)}::text::jsonb,
          replace => ${replace}::boolean
        ) as answer`
    );
    return rows.toCompileResult(row!.answer);
  }

  /** Starts a run. */
  async startFlow(start: StartFlowArguments): Promise<Run> {
    const found = await this.work().run((sql) =>
      sql<rows.RunRow[]>`
        select
          run_id, flow_slug, status, input, output, error_message, remaining_steps,
          started_at, completed_at, failed_at
        from pgflow.start_flow(
          flow_slug => ${start.flowSlug}::text,
          input => ${JSON.stringify(start.input)}::text::jsonb,
          run_id => ${start.runId ?? null}::uuid,
          idempotency_key => ${start.idempotencyKey ?? null}::text
        )`
    );
    return rows.toRun(found[0]!);
  }

  /** Returns a run's input. */
  async runInput(runId: string): Promise<unknown> {
    const found = await this.work().run((sql) =>
      sql<{ input: unknown }[]>`select input from pgflow.runs where run_id = ${runId}::uuid`
    );
    return found[0]?.input;
  }

  /** Returns when one of the queues may have work, at the end of its time, or at once on abort. */
  async waitForTasks(wait: WaitArguments, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return;
    const lane = this.waiting();
    // Cancelling would need another connection; a backend left waiting ends soon and holds nothing.
    const cut = () => lane.cut();
    signal?.addEventListener("abort", cut);
    lane.waiting = true;
    try {
      await lane.run((sql) =>
        sql`
          call pgflow.wait_for_tasks(
            queue_names => ${formatArray(wait.queueNames)}::text[],
            max_seconds => ${wait.maxSeconds}::int,
            poll_interval_ms => ${wait.pollIntervalMs}::int
          )`
      );
    } catch (error) {
      if (!signal?.aborted) throw error;
    } finally {
      lane.waiting = false;
      signal?.removeEventListener("abort", cut);
    }
  }

  /** Claims tasks that are there now. */
  async pollForTasks(poll: PollArguments): Promise<ClaimedTask[]> {
    const found = await this.work().run((sql) =>
      sql<rows.ClaimedTaskRow[]>`
        select flow_slug, run_id, step_slug, input, task_index, attempt
        from pgflow.poll_for_tasks(
          queue_name => ${poll.queueName}::text,
          vt => 2,
          qty => ${poll.qty}::int,
          max_poll_seconds => 0,
          worker_id => ${poll.workerId}::uuid
        )`
    );
    return found.map(rows.toClaimedTask);
  }

  /** Records what became of tasks, and returns those that this changed. */
  async settleTasks(results: readonly TaskResult[]): Promise<SettledTask[]> {
    const found = await this.work().run((sql) =>
      sql<rows.SettledTaskRow[]>`
        select run_id, step_slug, task_index, status
        from pgflow.settle_tasks(results => ${rows.toResultsJson(results)}::text::jsonb)`
    );
    return found.map(rows.toSettledTask);
  }

  /** Records an output; returns the task if this changed it. */
  async completeTask(task: TaskId, output: unknown): Promise<SettledTask | undefined> {
    const found = await this.work().run((sql) =>
      sql<rows.SettledTaskRow[]>`
        select run_id, step_slug, task_index, status
        from pgflow.complete_task(
          run_id => ${task.runId}::uuid,
          step_slug => ${task.stepSlug}::text,
          task_index => ${task.taskIndex}::int,
          output => ${JSON.stringify(output)}::text::jsonb
        )`
    );
    return found.map(rows.toSettledTask)[0];
  }

  /** Records a failed attempt; returns the task if this changed it. */
  async failTask(task: TaskId, errorMessage: string): Promise<SettledTask | undefined> {
    const found = await this.work().run((sql) =>
      sql<rows.SettledTaskRow[]>`
        select run_id, step_slug, task_index, status
        from pgflow.fail_task(
          run_id => ${task.runId}::uuid,
          step_slug => ${task.stepSlug}::text,
          task_index => ${task.taskIndex}::int,
          error_message => ${errorMessage}::text
        )`
    );
    return found.map(rows.toSettledTask)[0];
  }

  /** Makes a worker known, beside others of its function. */
  async registerWorker(worker: RegisterArguments): Promise<void> {
    await this.work().run((sql) =>
      sql`
        select pgflow.register_worker(
          worker_id => ${worker.workerId}::uuid,
          queue_name => ${worker.queueNames.join(",")}::text,
          function_name => ${worker.functionName}::text,
          lease_ms => ${worker.leaseMs}::int
        )`
    );
  }

  /** Makes a worker known unless its function has one, and returns the id of the one it has now. */
  async acquireWorker(worker: RegisterArguments): Promise<string> {
    const [row] = await this.work().run((sql) =>
      sql<{ holder: string }[]>`
        select pgflow.acquire_worker(
          worker_id => ${worker.workerId}::uuid,
          function_name => ${worker.functionName}::text,
          queue_names => ${formatArray(worker.queueNames)}::text[],
          deployment => ${worker.deployment ?? null}::text,
          lease_ms => ${worker.leaseMs}::int
        ) as holder`
    );
    return row!.holder;
  }

  /**
   * Says that a worker lives, and returns whether it should stop.
   *
   * It goes behind a wait rather than open a second connection for itself.
   */
  async heartbeatWorker(workerId: string): Promise<boolean> {
    const [row] = await this.waiting().run((sql) =>
      sql<{ stop: boolean }[]>`
        select pgflow.heartbeat_worker(worker_id => ${workerId}::uuid) as stop`
    );
    return row!.stop;
  }

  /** Returns which of these attempts may no longer report; goes where heartbeats go. */
  async closedAttempts(attempts: readonly Attempt[]): Promise<Attempt[]> {
    const found = await this.waiting().run((sql) =>
      sql<rows.AttemptRow[]>`
        select run_id, step_slug, task_index, attempt
        from pgflow.closed_attempts(attempts => ${rows.toAttemptsJson(attempts)}::text::jsonb)`
    );
    return found.map(rows.toAttempt);
  }

  /** Says that a worker calls a successor, which may start beside it, or does so no more. */
  async drainWorker(workerId: string, isDraining: boolean): Promise<void> {
    await this.work().run((sql) =>
      sql`select pgflow.drain_worker(
        worker_id => ${workerId}::uuid, is_draining => ${isDraining}::boolean
      )`
    );
  }

  /** Marks a worker as stopped. */
  async stopWorker(workerId: string): Promise<void> {
    await this.work().run((sql) => sql`select pgflow.stop_worker(worker_id => ${workerId}::uuid)`);
  }

  /** Tells the workers of a function to stop, except one, and returns how many. */
  async deprecateWorkers(functionName: string, exceptWorkerId: string): Promise<number> {
    const [row] = await this.work().run((sql) =>
      sql<{ deprecated: number }[]>`
        select pgflow.deprecate_workers(
          function_name => ${functionName}::text,
          except_worker_id => ${exceptWorkerId}::uuid
        ) as deprecated`
    );
    return row!.deprecated;
  }

  /**
   * Lets stalled and due tasks go on, and has functions called that have work and no live worker;
   * goes where heartbeats go.
   */
  async ensureWorkers(): Promise<void> {
    await this.waiting().run((sql) => sql`select from pgflow.ensure_workers()`);
  }

  /** Returns how long the tasks of some flows took lately. */
  async stepDurations(flowSlugs: readonly string[]): Promise<StepDuration[]> {
    const found = await this.work().run((sql) =>
      sql<rows.StepDurationRow[]>`
        select flow_slug, step_slug, tasks, longest_seconds
        from pgflow.step_durations(flow_slugs => ${formatArray(flowSlugs)}::text[])`
    );
    return found.map(rows.toStepDuration);
  }
}
