import type { Attempt, ClaimedTask, Db, TaskResult } from "../db/mod.ts";
import { type AnyFlow, PgflowError } from "../dsl/mod.ts";
import { Execution, type Surroundings } from "./execution.ts";
import type { Budget } from "./budget.ts";
import type { Durations } from "./durations.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { ResolvedOptions } from "./options.ts";
import { nextTurn } from "./next_turn.ts";
import type { Patience } from "./patience.ts";
import type { Settler } from "./settler.ts";
import { WakeUp } from "./wake_up.ts";

/** What the loop works with. */
export interface WorkLoopParts {
  /** The database. */
  db: Pick<Db, "pollForTasks" | "waitForTasks" | "hasSpareConnection">;
  /** Whose tasks are claimed. */
  flows: ReadonlyMap<string, AnyFlow>;
  /** The worker's options. */
  options: Pick<
    ResolvedOptions,
    "maxConcurrent" | "pollSeconds" | "pollIntervalMs" | "idleSeconds"
  >;
  /** Who claims. */
  workerId: string;
  /** Where results go. */
  settler: Settler;
  /** What executions share, but for what happens when they end. */
  surroundings: Omit<Surroundings, "onEnd">;
  /** Ends when the database is away for too long. */
  patience: Patience;
  /** Whether to claim. */
  lifecycle: Lifecycle;
  /** What is left of the isolate's life. */
  budget: Budget;
  /** How long tasks take. */
  durations: Durations;
  /** Called when tasks should rather begin in a successor. */
  onScarce(): void;
  /** Stops the loop. */
  signal: AbortSignal;
}

/** Claims, runs and settles tasks; never waits for the slowest of them. */
export class WorkLoop {
  readonly #parts: WorkLoopParts;
  readonly #surroundings: Surroundings;
  readonly #wakeUp = new WakeUp();
  readonly #executions = new Set<Execution>();
  /** Queues that may have work; those asked least recently come first. */
  readonly #promising: Set<string>;
  #isWaiting = false;
  #waitError: unknown;
  #busyAt = performance.now();

  /** Creates a loop that does nothing yet. */
  constructor(parts: WorkLoopParts) {
    this.#parts = parts;
    this.#promising = new Set(parts.flows.keys());
    this.#surroundings = {
      ...parts.surroundings,
      onEnd: (execution, result) => this.#take(execution, result),
    };
    parts.signal.addEventListener("abort", () => this.#wakeUp.wake());
  }

  /** Works until there is nothing more to do, or the signal says so. */
  async run(): Promise<void> {
    const { settler, patience } = this.#parts;
    while (!this.#isOver()) {
      // What is settled may make steps ready.
      if (!settler.isEmpty) this.#expectWork();
      const qty = this.#promising.size > 0 ? this.#freeSlots() : 0;
      if (qty === 0 && settler.isEmpty) {
        await this.#rest();
        continue;
      }
      try {
        await this.#settleAndPoll(qty);
        patience.succeeded();
      } catch (error) {
        await patience.failed(error);
      }
    }
  }

  /** Looks again at once, for instance because the state changed. */
  wake(): void {
    this.#wakeUp.wake();
  }

  /** Gives back what is still running. */
  giveBack(reason: Error, limit?: string): void {
    for (const execution of this.#executions) execution.giveBack(reason, limit);
  }

  /** The attempts that are running. */
  get attempts(): Attempt[] {
    return Array.from(this.#executions, (execution) => execution.attempt);
  }

  /** Ends attempts of which nobody wants the result any more. */
  drop(attempts: readonly Attempt[]): void {
    const keys = new Set(attempts.map(keyOf));
    const reason = new PgflowError("Cannot finish task: its run ended, or another worker has it");
    for (const execution of this.#executions) {
      if (keys.has(keyOf(execution.attempt))) execution.drop(reason);
    }
  }

  #isOver(): boolean {
    const { signal, lifecycle, settler, options } = this.#parts;
    if (signal.aborted) return true;
    if (this.#executions.size > 0 || !settler.isEmpty) return false;
    return lifecycle.state !== "running" || (this.#promising.size === 0 &&
      performance.now() - this.#busyAt >= options.idleSeconds * 1000);
  }

  #freeSlots(): number {
    const { lifecycle, options } = this.#parts;
    if (lifecycle.state !== "running") return 0;
    return Math.max(0, options.maxConcurrent - this.#executions.size);
  }

  /** Waits for work or results; those of handlers that end about now share the next call. */
  async #rest(): Promise<void> {
    await nextTurn();
    if (!this.#parts.settler.isEmpty) return;
    this.#startWaiting();
    await this.#wakeUp.sleep();
    await nextTurn();
  }

  /** Two calls, one round trip: the poll sees what the settled tasks made ready. */
  async #settleAndPoll(qty: number): Promise<void> {
    if (this.#waitError !== undefined) {
      const error = this.#waitError;
      this.#waitError = undefined;
      throw error;
    }
    const answers = await Promise.allSettled([this.#parts.settler.settle(), this.#poll(qty)]);
    for (const answer of answers) {
      if (answer.status === "rejected") throw answer.reason;
    }
  }

  async #poll(qty: number): Promise<void> {
    const { db, workerId } = this.#parts;
    const queues = [...this.#promising].slice(0, qty);
    this.#mindBudget(queues);
    const share = Math.floor(qty / queues.length);
    await Promise.all(queues.map(async (queueName) => {
      this.#promising.delete(queueName);
      let isDrained = false;
      try {
        const tasks = await db.pollForTasks({ queueName, qty: share, workerId });
        for (const task of tasks) this.#start(task);
        isDrained = tasks.length < share;
      } finally {
        if (!isDrained) this.#promising.add(queueName);
      }
    }));
  }

  /** Tasks are claimed until the successor does, rather than wait for it; what is late goes back. */
  #mindBudget(queueNames: readonly string[]): void {
    const { budget, durations, flows, onScarce } = this.#parts;
    if (!budget.isRetired) return;
    const seconds = queueNames.map((queueName) => durations.expected(flows.get(queueName)!));
    if (!budget.allows(Math.max(...seconds))) onScarce();
  }

  #expectWork(): void {
    for (const queueName of this.#parts.flows.keys()) this.#promising.add(queueName);
  }

  #start(task: ClaimedTask): void {
    const { flows, signal, settler, surroundings } = this.#parts;
    const { runId, stepSlug, taskIndex, attempt } = task;
    this.#busyAt = performance.now();
    if (signal.aborted) {
      return settler.add({ runId, stepSlug, taskIndex, attempt, release: true });
    }
    const flow = flows.get(task.flowSlug);
    const step = flow?.getStep(stepSlug);
    if (flow === undefined || step === undefined) {
      const errorMessage =
        `[type] Cannot run step "${stepSlug}" of flow "${task.flowSlug}": this worker has no such step`;
      surroundings.log.error(errorMessage, { run: runId, attempt });
      return settler.add({ runId, stepSlug, taskIndex, attempt, errorMessage, permanent: false });
    }
    const timeout = step.options.timeout ?? flow.options.timeout ?? 60;
    this.#executions.add(new Execution(task, flow, step, timeout, this.#surroundings));
  }

  #take(execution: Execution, result: TaskResult | undefined): void {
    this.#busyAt = performance.now();
    this.#executions.delete(execution);
    if (result !== undefined) this.#parts.settler.add(result);
    if (result !== undefined && "outputJson" in result) {
      this.#parts.durations.note(execution.flowSlug, result.stepSlug, execution.seconds);
    }
    this.#wakeUp.wake();
  }

  /** One wait at a time, beside the handlers; what it finds is polled for. */
  #startWaiting(): void {
    const { db, flows, options, signal } = this.#parts;
    if (this.#isWaiting || this.#freeSlots() === 0) return;
    this.#isWaiting = true;
    db.waitForTasks({
      queueNames: [...flows.keys()],
      maxSeconds: this.#waitSeconds(),
      pollIntervalMs: options.pollIntervalMs,
    }, signal)
      .catch((error) => this.#waitError = error)
      .finally(() => {
        this.#isWaiting = false;
        this.#expectWork();
        this.#wakeUp.wake();
      });
  }

  #waitSeconds(): number {
    const { pollSeconds, idleSeconds } = this.#parts.options;
    // Without another connection results stand in line behind the wait.
    if (this.#executions.size > 0) return this.#parts.db.hasSpareConnection ? pollSeconds : 1;
    const idle = (performance.now() - this.#busyAt) / 1000;
    return Math.max(1, Math.min(pollSeconds, Math.ceil(idleSeconds - idle)));
  }
}

function keyOf({ runId, stepSlug, taskIndex, attempt }: Attempt): string {
  return `${runId}:${stepSlug}:${taskIndex}:${attempt}`;
}
