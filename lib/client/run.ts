import type {
  AnyFlow,
  ApprovalSlug,
  FlowInput,
  FlowOutput,
  StepOutput,
  StepSlug,
} from "../dsl/mod.ts";
import { ChannelHub } from "./channel_hub.ts";
import { callRpc } from "./rpc.ts";
import { disposedRun, runFailure, skippedStep, unknownStep } from "./run_failure.ts";
import type { RunEvent } from "./run_event.ts";
import type { RunRecord } from "./run_record.ts";
import type { RunStatus, StepState } from "./run_state.ts";
import { RunApproval, type RunStep } from "./run_step.ts";
import type { RunWatch } from "./run_watch.ts";
import type { SupabaseLike } from "./supabase_like.ts";

/** How long to wait. */
export interface WaitOptions {
  /** Gives up waiting when aborted; `AbortSignal.timeout(…)` for a limit in time. */
  readonly signal?: AbortSignal;
}

/**
 * A run, watched while somebody waits for it or reads its events, and not longer.
 *
 * What it says is what was known when it was last looked at: right after a start or `getRun`, while
 * it is watched, or after `refresh()`.
 */
export class Run<F extends AnyFlow = AnyFlow> implements AsyncDisposable {
  readonly #supabase: SupabaseLike;
  readonly #record: RunRecord;
  readonly #watch: RunWatch;
  readonly #disposal = new AbortController();
  readonly #end: AbortSignal;

  /** Creates a handle; {@linkcode PgflowClient} does. */
  constructor(
    supabase: SupabaseLike,
    record: RunRecord,
    watch: RunWatch,
    clientDisposal: AbortSignal,
  ) {
    this.#supabase = supabase;
    this.#record = record;
    this.#watch = watch;
    this.#end = AbortSignal.any([clientDisposal, this.#disposal.signal]);
  }

  /** The run's id. */
  get id(): string {
    return this.#record.run.id;
  }

  /** Its flow's slug. */
  get flow(): string {
    return this.#record.run.flow;
  }

  /** Where it is. */
  get status(): RunStatus {
    return this.#record.run.status;
  }

  /** What it was started with. */
  get input(): FlowInput<F> {
    return this.#record.run.input as FlowInput<F>;
  }

  /** What it has resulted in, once it is completed. */
  get output(): FlowOutput<F> | undefined {
    return this.#record.run.output as FlowOutput<F> | undefined;
  }

  /** Why it failed. */
  get error(): string | undefined {
    return this.#record.run.error;
  }

  /** Its steps, in the order of definition; none until it was read. */
  get steps(): readonly StepState<F>[] {
    return [...this.#record.steps?.values() ?? []] as unknown as StepState<F>[];
  }

  /** Returns one of its steps: to wait for it, and to answer it if it is an approval. */
  step<Slug extends StepSlug<F>>(
    slug: Slug,
  ): Slug extends ApprovalSlug<F> ? RunApproval<F, Slug> : RunStep<F, Slug> {
    const step = new RunApproval<F, Slug>(slug, {
      state: () => this.#record.steps?.get(slug),
      completed: (options) => this.stepCompleted(slug, options),
      answer: async (name, args, signal) => {
        const place = { run_id: this.id, step_slug: slug };
        await callRpc(this.#supabase, name, { ...place, ...args }, { signal });
        await this.refresh(signal && { signal });
      },
    });
    // What is no approval has no methods to answer it, as far as types go.
    return step as never;
  }

  /**
   * Waits for the run's output; rejects with a {@linkcode RunFailedError} when the run has failed or
   * was cancelled.
   */
  completed(options: WaitOptions = {}): Promise<FlowOutput<F>> {
    return this.#waitFor(() => {
      if (this.status === "started") return undefined;
      if (this.status !== "completed") throw runFailure(this.#record);
      return { value: this.output as FlowOutput<F> };
    }, options);
  }

  /**
   * Waits for the output of one step; rejects when the step was skipped, and with a
   * {@linkcode RunFailedError} when the run has ended without it.
   */
  stepCompleted<Slug extends StepSlug<F>>(
    slug: Slug,
    options: WaitOptions = {},
  ): Promise<StepOutput<F, Slug>> {
    return this.#waitFor(() => {
      const steps = this.#record.steps;
      if (steps === undefined) return undefined;
      const step = steps.get(slug);
      if (step === undefined) throw unknownStep(slug, this.flow);
      if (step.status === "completed") return { value: step.output as StepOutput<F, Slug> };
      if (step.status === "skipped") throw skippedStep(slug, this.id);
      if (this.status === "failed" || this.status === "cancelled") throw runFailure(this.#record);
    }, options);
  }

  /**
   * Iterates over all that has happened to the run and will happen until it has ended, each thing
   * once and in order. Ends earlier when the run is disposed.
   */
  async *events({ signal }: WaitOptions = {}): AsyncGenerator<RunEvent<F>, void, undefined> {
    const { events } = this.#record;
    // The watch goes on while the reader is busy with an event.
    const release = this.#watch.listen({ onNews() {}, onError() {} });
    this.#end.addEventListener("abort", release);
    try {
      for (let index = 0;;) {
        signal?.throwIfAborted();
        while (index < events.length) yield events[index++] as RunEvent<F>;
        if (this.#isOver()) return;
        const look = () => index < events.length || this.#isOver() ? { value: null } : undefined;
        await this.#waitFor(look, { signal });
      }
    } finally {
      this.#end.removeEventListener("abort", release);
      release();
    }
  }

  /** Reads the run now. */
  async refresh(options: WaitOptions = {}): Promise<this> {
    await this.#watch.read(options.signal);
    return this;
  }

  /** Cancels the run, unless it has ended. */
  async cancel(options: WaitOptions = {}): Promise<void> {
    await callRpc(this.#supabase, "cancel_run", { run_id: this.id }, { ...options, attempts: 3 });
    await this.refresh(options);
  }

  /** Lets a failed or cancelled run go on from where it stopped. */
  async retry(options: WaitOptions = {}): Promise<void> {
    // What is known of the failure now cannot be taken for one of the retry.
    await this.refresh(options);
    await callRpc(this.#supabase, "retry_run", { run_id: this.id }, options);
    await this.refresh(options);
  }

  /**
   * Stops watching: iterations end, and whoever waits gets an error. Resolves when the channel is
   * left; the run itself goes on.
   */
  dispose(): Promise<void> {
    this.#disposal.abort();
    this.#watch.close();
    return ChannelHub.of(this.#supabase).left();
  }

  /** Calls {@linkcode dispose}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  #isOver(): boolean {
    return this.#end.aborted || this.status !== "started";
  }

  /** Looks now and at all news, until there is something to see. */
  #waitFor<T>(
    look: () => { value: T } | undefined,
    { signal }: { signal?: AbortSignal | undefined },
  ): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const check = () => {
      try {
        signal?.throwIfAborted();
        const seen = look();
        if (seen === undefined && this.#end.aborted) throw disposedRun(this.id);
        if (seen !== undefined) resolve(seen.value);
        return seen !== undefined;
      } catch (error) {
        reject(error);
        return true;
      }
    };
    if (check()) return promise;
    const checkAgain = () => {
      if (check()) stop();
    };
    const stopListening = this.#watch.listen({
      onNews: checkAgain,
      onError(error) {
        reject(error);
        stop();
      },
    });
    const stop = () => {
      stopListening();
      for (const end of [signal, this.#end]) end?.removeEventListener("abort", checkAgain);
    };
    for (const end of [signal, this.#end]) end?.addEventListener("abort", checkAgain);
    return promise;
  }
}
