import { type Db, isMisconfigured, isPassing, type TaskId, type TaskResult } from "../db/mod.ts";
import type { Logger } from "../dsl/mod.ts";

/** Characters of output that one call may carry, if it carries more than one. */
const MAX_BATCH_LENGTH = 8_000_000;

/** Keeps results until the database has recorded them. */
export class Settler {
  readonly #db: Pick<Db, "settleTasks">;
  readonly #log: Logger;
  #results: TaskResult[] = [];

  /** Creates a settler without results. */
  constructor(db: Pick<Db, "settleTasks">, log: Logger) {
    this.#db = db;
    this.#log = log;
  }

  /** Whether every result that was added is recorded or on its way. */
  get isEmpty(): boolean {
    return this.#results.length === 0;
  }

  /** Adds a result to the next batch. */
  add(result: TaskResult): void {
    this.#results.push(result);
  }

  /**
   * Sends what there is in one call, before it returns.
   *
   * Rejects, and keeps the results, if the database cannot record anything now. Recording a result
   * twice does no harm: a task is settled once by each attempt.
   */
  async settle(): Promise<void> {
    const batch = this.#takeBatch();
    if (batch.length === 0) return;
    try {
      await this.#record(batch);
    } catch (error) {
      if (isForLater(error)) return this.#keep(batch, error);
      await this.#recordSingly(batch);
    }
  }

  /** Finds out which results the database refuses, and records the others. */
  async #recordSingly(batch: TaskResult[]): Promise<void> {
    const left = [...batch];
    try {
      for (; left.length > 0; left.shift()) await this.#recordOne(left[0]!);
    } catch (error) {
      this.#keep(left, error);
    }
  }

  async #recordOne(result: TaskResult): Promise<void> {
    try {
      await this.#record([result]);
    } catch (error) {
      if (isForLater(error)) throw error;
      await this.#recordRefusal(result, error as Error);
    }
  }

  /** Fails the task whose output cannot be stored. */
  async #recordRefusal(result: TaskResult, { message }: Error): Promise<void> {
    if (!("outputJson" in result)) return this.#drop(result, message);
    const { outputJson: _, ...task } = result;
    const errorMessage = `[type] Cannot store output of step "${task.stepSlug}": ${message}`;
    try {
      await this.#record([{ ...task, errorMessage, permanent: false }]);
    } catch (error) {
      if (isForLater(error)) throw error;
      this.#drop(result, (error as Error).message);
    }
  }

  /** Leaves the task to its timeout in the queue: it comes back as its next attempt. */
  #drop(result: TaskResult, message: string): void {
    this.#log.error(`result could not be recorded: ${message}`, place(result));
  }

  #keep(results: TaskResult[], error: unknown): never {
    this.#results.unshift(...results);
    throw error;
  }

  async #record(results: TaskResult[]): Promise<void> {
    const settled = await this.#db.settleTasks(results);
    if (settled.length === results.length) return;
    const changed = new Set(settled.map(keyOf));
    for (const result of results) {
      if (!changed.has(keyOf(result))) {
        this.#log.debug("result changed nothing: the attempt was over", place(result));
      }
    }
  }

  #takeBatch(): TaskResult[] {
    let length = 0;
    const end = this.#results.findIndex((result, index) => {
      length += "outputJson" in result ? result.outputJson.length : 0;
      return length > MAX_BATCH_LENGTH && index > 0;
    });
    return this.#results.splice(0, end === -1 ? this.#results.length : end);
  }
}

function isForLater(error: unknown): boolean {
  return isPassing(error) || isMisconfigured(error);
}

function keyOf({ runId, stepSlug, taskIndex }: TaskId): string {
  return `${runId}:${stepSlug}:${taskIndex}`;
}

function place(result: TaskResult): Record<string, unknown> {
  const { runId: run, stepSlug: step, taskIndex: task, attempt } = result;
  return { step, task, run, attempt };
}
