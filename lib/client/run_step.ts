import type { AnyFlow, ApprovalAnswer, StepOutput, StepSlug } from "../dsl/mod.ts";
import type { StepState, StepStatus } from "./run_state.ts";

/** What a step of a run can do, and be asked. */
export interface StepActions<F extends AnyFlow, Slug extends StepSlug<F>> {
  /** What is known about it. */
  state(): StepState | undefined;
  /** Waits for its output. */
  completed(options?: { signal?: AbortSignal }): Promise<StepOutput<F, Slug>>;
  /** Calls `complete_step` or `fail_step`. */
  answer(
    name: "complete_step" | "fail_step",
    args: Record<string, unknown>,
    signal: AbortSignal | undefined,
  ): Promise<void>;
}

/** What may be said about an answer. */
export interface AnswerOptions {
  /**
   * Which element it is about, in an approval for each element of an array.
   * @default {0}
   */
  readonly taskIndex?: number;
  /** Gives the call up; the answer may have been taken. */
  readonly signal?: AbortSignal;
}

/** One step of a run. */
export class RunStep<F extends AnyFlow, Slug extends StepSlug<F>> {
  /** The step's name. */
  readonly slug: Slug;

  readonly #actions: StepActions<F, Slug>;

  /** Creates a handle; `run.step(slug)` does. */
  constructor(slug: Slug, actions: StepActions<F, Slug>) {
    this.slug = slug;
    this.#actions = actions;
  }

  /** What is known about it; undefined until the run was read. */
  get state(): StepState<F, Slug> | undefined {
    return this.#actions.state() as StepState<F, Slug> | undefined;
  }

  /** Where it is; undefined until the run was read. */
  get status(): StepStatus | undefined {
    return this.state?.status;
  }

  /** Waits for its output, like `run.stepCompleted(slug)`. */
  completed(options: { signal?: AbortSignal } = {}): Promise<StepOutput<F, Slug>> {
    return this.#actions.completed(options);
  }
}

/** A step of a run that somebody outside answers. */
export class RunApproval<F extends AnyFlow, Slug extends StepSlug<F>> extends RunStep<F, Slug> {
  readonly #answer: StepActions<F, Slug>["answer"];

  /** Creates a handle; `run.step(slug)` does. */
  constructor(slug: Slug, actions: StepActions<F, Slug>) {
    super(slug, actions);
    this.#answer = actions.answer;
  }

  /** Answers it; rejects when it does not wait for this user's answer. */
  async complete(
    answer: ApprovalAnswer<F, Slug>,
    { taskIndex, signal }: AnswerOptions = {},
  ): Promise<void> {
    await this.#answer("complete_step", { output: answer, task_index: taskIndex }, signal);
  }

  /** Answers it with an error, which its option `whenExhausted` takes further. */
  async fail(message: string, { taskIndex, signal }: AnswerOptions = {}): Promise<void> {
    const args = { error_message: message, task_index: taskIndex };
    await this.#answer("fail_step", args, signal);
  }
}
