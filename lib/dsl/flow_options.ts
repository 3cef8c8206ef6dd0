/**
 * The options of flows.
 *
 * @module
 */
import type { StandardSchema } from "./standard_schema.ts";

/** What may be said about a flow besides its slug; a step may have its own attempts and times. */
export interface FlowOptions {
  /**
   * How often a task is tried, the first attempt included.
   * @default {3}
   */
  readonly maxAttempts?: number;
  /**
   * Seconds: the n-th retry waits `baseDelay * 2^n`, an hour at most.
   * @default {5}
   */
  readonly baseDelay?: number;
  /**
   * Seconds an attempt may take.
   * @default {60}
   */
  readonly timeout?: number;
  /**
   * The part of a retry's delay that is random, from 0 to 1: with 0.5 it waits between half its
   * delay and all of it, so that tasks which failed together do not come back together.
   * @default {0}
   */
  readonly retryJitter?: number;
  /**
   * The roles of the API that may start runs, besides the server with its secret key: users who are
   * signed in, who own their runs, and callers who are not.
   * @default {[]}
   */
  readonly startableBy?: readonly ApiRole[];
  /**
   * How many runs one owner may have open that they started themselves; callers who are not signed
   * in count as one.
   * @default {no limit}
   */
  readonly openRunsPerOwner?: number;
  /**
   * How many runs one owner may start within a minute.
   * @default {no limit}
   */
  readonly startsPerMinutePerOwner?: number;
  /**
   * Whether the events of all runs are sent to Realtime, not only of those started through the API.
   * @default {false}
   */
  readonly broadcast?: boolean;
}

/** A role in which clients without the secret key call the API. */
export type ApiRole = "anon" | "authenticated";

/** What a flow is created from. */
export interface FlowDefinition<Input = unknown, Name extends string = string> extends FlowOptions {
  /**
   * The flow's name in the database, and its queue's: letters, digits and `_`, not starting with a
   * digit, at most 47 characters.
   */
  readonly slug: Name;
  /**
   * A schema of the input, which then needs no other type: of zod, valibot, arktype or any library
   * that keeps to [Standard Schema](https://standardschema.dev), or `type<T>()`, which checks
   * nothing. The client looks at an input before it starts a run, and the worker before a run's
   * first handlers; neither changes it.
   * @default {any input of the flow's type}
   */
  readonly input?: StandardSchema<Input, unknown>;
}
