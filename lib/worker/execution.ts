import type { Attempt, ClaimedTask, TaskResult } from "../db/mod.ts";
import {
  type AnyFlow,
  type HandlerContext,
  type Logger,
  PermanentError,
  type Sql,
  type StepDefinition,
  TaskTimeoutError,
} from "../dsl/mod.ts";
import { checkRun } from "./check_run.ts";
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
  /** Takes the result of an execution, if it has one. */
  onEnd(execution: Execution, result: TaskResult | undefined): void;
}

/** What a task comes to: a {@linkcode TaskResult} without the task. */
type Outcome =
  | { outputJson: string }
  | { errorMessage: string; permanent: boolean }
  | { release: true };

/**
 * From this attempt on, one that ends because its isolate reached a limit counts: it may be the
 * handler that uses it up, each time.
 */
const LAST_FORGIVEN_ATTEMPT = 4;

/** setTimeout takes no more than this. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** One attempt at a task: calls the handler and reports one result, however the handler behaves. */
export class Execution {
  readonly #task: ClaimedTask;
  readonly #flow: AnyFlow;
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
    flow: AnyFlow,
    step: StepDefinition,
    timeoutSeconds: number,
    surroundings: Surroundings,
  ) {
    this.#task = task;
    this.#flow = flow;
    this.#step = step;
    this.#surroundings = surroundings;
    this.#timeoutSeconds = timeoutSeconds;
    const { flowSlug, stepSlug, taskIndex, runId: run, attempt } = task;
    this.#log = withFields(surroundings.log, {
      flow: flowSlug,
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

  /** Which attempt this is. */
  get attempt(): Attempt {
    const { runId, stepSlug, taskIndex, attempt } = this.#task;
    return { runId, stepSlug, taskIndex, attempt };
  }

  /** The slug of the task's flow. */
  get flowSlug(): string {
    return this.#task.flowSlug;
  }

  /** Seconds since the handler was called. */
  get seconds(): number {
    return (performance.now() - this.#startedAt) / 1000;
  }

  /**
   * Gives the task back: the handler is asked to stop, and not listened to any more. When a limit
   * of the isolate is why, and was so too often, the attempt fails.
   */
  giveBack(reason: Error, limit?: string): void {
    if (limit === undefined || this.#task.attempt <= LAST_FORGIVEN_ATTEMPT) {
      return this.#end({ release: true }, reason);
    }
    const errorMessage = `[lost worker] the isolate reached a limit (${limit}), as it did before`;
    this.#end({ errorMessage, permanent: false }, reason);
  }

  /** Forgets the task, which is over already: the handler is asked to stop. */
  drop(reason: Error): void {
    this.#end(undefined, reason);
  }

  async #callHandler(): Promise<Outcome | undefined> {
    try {
      // Most flows have no schema, and their handlers start at once.
      if (this.#flow.inputSchema !== undefined) {
        const { runInput } = this.#surroundings;
        const problem = await checkRun(this.#flow, this.#step, this.#task, runInput);
        if (problem !== undefined) return { errorMessage: problem, permanent: true };
        if (this.#isOver) return undefined;
      }
      const output = await this.#step.handler(this.#task.input, this.#context());
      if (this.#isOver) {
        this.#log.warn("handler ended too late, its output is dropped");
        return undefined;
      }
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
    this.#end({ errorMessage: `[timeout] ${error.message}`, permanent: false }, error);
  }

  /** Ends the execution, once; with a reason to abort the handler if that has not ended itself. */
  #end(outcome: Outcome | undefined, abortReason?: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#note(outcome);
    this.#surroundings.onEnd(this, outcome && { ...this.attempt, ...outcome });
    this.#abortReason = abortReason;
    if (abortReason !== undefined) this.#controller?.abort(abortReason);
  }

  #note(outcome: Outcome | undefined): void {
    const fields = { duration_ms: Math.round(performance.now() - this.#startedAt) };
    if (outcome === undefined) this.#log.info("dropped, the attempt is over", fields);
    else if ("release" in outcome) this.#log.info("given back", fields);
    else if ("errorMessage" in outcome) this.#log.warn(`failed: ${outcome.errorMessage}`, fields);
    else this.#log.debug("completed", fields);
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
