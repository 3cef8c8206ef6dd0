import type { ClaimedTask, TaskResult } from "../db/mod.ts";
import {
  type HandlerContext,
  type Logger,
  PermanentError,
  type Sql,
  type StepDefinition,
  TaskTimeoutError,
} from "../dsl/mod.ts";
import { failureMessage } from "./failure_message.ts";
import { withFields } from "./logger.ts";
import { serializeOutput } from "./serialize_output.ts";

/** What the executions of a worker share. */
export interface Surroundings {
  /** The worker's log. */
  log: Logger;
  /** The environment variables. */
  env: Readonly<Record<string, string | undefined>>;
  /** The worker's connection, for handlers. */
  sql: Sql;
  /** Fetches a run's input. */
  runInput(runId: string): Promise<unknown>;
  /** Bytes of JSON that an output may have. */
  maxOutputBytes: number;
  /** Takes the result of an execution. */
  onResult(execution: Execution, result: TaskResult): void;
}

/** What a task comes to: a {@linkcode TaskResult} without the task. */
type Outcome =
  | { outputJson: string }
  | { errorMessage: string; permanent: boolean }
  | { release: true };

/** setTimeout takes no more than this. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** One attempt at a task: calls the handler and reports one result, however the handler behaves. */
export class Execution {
  readonly #task: ClaimedTask;
  readonly #step: StepDefinition;
  readonly #surroundings: Surroundings;
  readonly #log: Logger;
  readonly #startedAt = performance.now();
  readonly #timeoutSeconds: number;
  readonly #timer: ReturnType<typeof setTimeout>;
  #controller: AbortController | undefined;
  #abortReason: Error | undefined;
  #isOver = false;

  /** Starts the handler. */
  constructor(
    task: ClaimedTask,
    step: StepDefinition,
    timeoutSeconds: number,
    surroundings: Surroundings,
  ) {
    this.#task = task;
    this.#step = step;
    this.#surroundings = surroundings;
    this.#timeoutSeconds = timeoutSeconds;
    const { flowSlug: flow, stepSlug, taskIndex, runId: run, attempt } = task;
    this.#log = withFields(surroundings.log, {
      flow,
      step: stepSlug,
      task: taskIndex,
      run,
      attempt,
    });
    this.#timer = setTimeout(
      () => this.#timeOut(),
      Math.min(timeoutSeconds * 1000, LONGEST_TIMER_MS),
    );
    this.#callHandler().then((outcome) => this.#end(outcome));
  }

  /** Gives the task back: the handler is asked to stop, and not listened to any more. */
  giveBack(reason: Error): void {
    this.#end({ release: true });
    this.#abort(reason);
  }

  async #callHandler(): Promise<Outcome> {
    try {
      const output = await this.#step.handler(this.#task.input, this.#context());
      // A late output may be large.
      if (this.#isOver) return { release: true };
      return serializeOutput(output, this.#step.slug, this.#surroundings.maxOutputBytes);
    } catch (thrown) {
      return {
        errorMessage: failureMessage(thrown),
        permanent: thrown instanceof PermanentError,
      };
    }
  }

  #timeOut(): void {
    const error = new TaskTimeoutError(
      `Step "${this.#step.slug}" took longer than its timeout of ${this.#timeoutSeconds} s`,
    );
    this.#end({ errorMessage: `[timeout] ${error.message}`, permanent: false });
    this.#abort(error);
  }

  #end(outcome: Outcome): void {
    const durationMs = Math.round(performance.now() - this.#startedAt);
    if (this.#isOver) {
      if (!("release" in outcome)) {
        this.#log.warn("handler ended too late, result dropped", { duration_ms: durationMs });
      }
      return;
    }
    this.#isOver = true;
    clearTimeout(this.#timer);
    if ("errorMessage" in outcome) {
      this.#log.warn(`failed: ${outcome.errorMessage}`, { duration_ms: durationMs });
    } else if ("release" in outcome) {
      this.#log.info("given back", { duration_ms: durationMs });
    } else {
      this.#log.debug("completed", { duration_ms: durationMs });
    }
    const { runId, stepSlug, taskIndex, attempt } = this.#task;
    this.#surroundings.onResult(this, { runId, stepSlug, taskIndex, attempt, ...outcome });
  }

  #abort(reason: Error): void {
    this.#abortReason = reason;
    this.#controller?.abort(reason);
  }

  #context(): HandlerContext {
    const { runId, flowSlug, stepSlug, taskIndex, attempt } = this.#task;
    const { env, sql, runInput } = this.#surroundings;
    const signal = () => this.#signal;
    return {
      runId,
      flow: flowSlug,
      step: stepSlug,
      taskIndex,
      attempt,
      taskKey: `${runId}:${stepSlug}:${taskIndex}`,
      deadline: new Date(Date.now() + this.#timeoutSeconds * 1000),
      get signal() {
        return signal();
      },
      log: this.#log,
      env,
      sql,
      run: () =>
        this.#step.type === "map"
          ? runInput(runId)
          : Promise.resolve((this.#task.input as { run: unknown }).run),
    };
  }

  /** Made on demand, since most handlers never look at it. */
  get #signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#abortReason !== undefined) this.#controller.abort(this.#abortReason);
    }
    return this.#controller.signal;
  }
}
