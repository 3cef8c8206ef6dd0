/**
 * The options of steps.
 *
 * @module
 */
import type { Json } from "./json.ts";
import type { OutputType } from "./output_type.ts";

/** What may be said about a step besides its slug, dependencies and handler. */
export interface StepOptions<Condition = { readonly [key: string]: Json }> {
  /**
   * How often a task is tried, the first attempt included.
   * @default {the flow's}
   */
  readonly maxAttempts?: number;
  /**
   * Seconds: the n-th retry waits `baseDelay * 2^n`, an hour at most.
   * @default {the flow's}
   */
  readonly baseDelay?: number;
  /**
   * Seconds an attempt may take.
   * @default {the flow's}
   */
  readonly timeout?: number;
  /**
   * Seconds between the moment the step is ready and its first attempt.
   * @default {0}
   */
  readonly startDelay?: number;
  /**
   * The step runs only if this is a part of its input: the flow's input for a step without
   * dependencies, else the payload. An object has at least these properties, an array at least
   * these elements.
   * @default {no condition}
   */
  readonly runIf?: Condition;
  /**
   * The step runs only if this is not a part of its input.
   * @default {no condition}
   */
  readonly runUnless?: Condition;
  /**
   * What happens when `runIf` or `runUnless` keeps the step from running.
   * @default {"skip-cascade"}
   */
  readonly whenUnmet?: Otherwise;
  /**
   * What happens when the last attempt has failed.
   * @default {"fail"}
   */
  readonly whenExhausted?: Otherwise;
}

/** What may be said about an approval besides its slug and dependencies. */
export interface ApprovalOptions<Condition = { readonly [key: string]: Json }>
  extends Pick<StepOptions<Condition>, "runIf" | "runUnless" | "whenUnmet"> {
  /**
   * The type of the answer, as `type<T>()` or a schema; the answer is not validated.
   * @default {Json}
   */
  readonly output?: OutputType;
  /**
   * Who may answer through the API, besides the server with its secret key.
   * @default {nobody}
   */
  readonly assignee?: Assignee;
  /**
   * Seconds to wait for the answer.
   * @default {no limit}
   */
  readonly timeout?: number;
  /**
   * What happens when the answer is an error, or does not come in time.
   * @default {"fail"}
   */
  readonly whenExhausted?: Otherwise;
}

/**
 * Who may answer an approval: the run's `owner`; users with a role in their token's `app_metadata`,
 * as `role:manager`; or the user whose id stands in the step's input, as `user:manager.id` where the
 * step `manager` returned it. For an approval of each element the path begins at the element, and
 * `user` says that the element is the id. What stands in `run` is chosen by whoever starts the run.
 */
export type Assignee = "owner" | `role:${string}` | "user" | `user:${string}`;

/**
 * What happens instead of a step: it is skipped together with every step that depends on it
 * (`skip-cascade`), it alone is skipped and its dependents run without its output (`skip`), or the
 * run fails (`fail`).
 */
export type Otherwise = "skip-cascade" | "skip" | "fail";
