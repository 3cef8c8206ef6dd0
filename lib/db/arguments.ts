/**
 * What the methods of `Db` take that is more than a value or two.
 *
 * @module
 */

/** The arguments of `Db.startFlow`. */
export interface StartFlowArguments {
  /** The flow's slug. */
  flowSlug: string;
  /** The run's input, any JSON. */
  input: unknown;
  /** The run's id; starting the same run again returns it. */
  runId?: string;
  /** Another name of the run, unique in the flow, to the same end. */
  idempotencyKey?: string;
}

/** The arguments of `Db.pollForTasks`. */
export interface PollArguments {
  /** The queue, which is a flow's slug. */
  queueName: string;
  /** How many tasks at most. */
  qty: number;
  /** Who takes them. */
  workerId: string;
}

/** The arguments of `Db.waitForTasks`. */
export interface WaitArguments {
  /** The queues to look at. */
  queueNames: readonly string[];
  /** When to return with nothing found. */
  maxSeconds: number;
  /** The time between two looks. */
  pollIntervalMs: number;
}

/** The arguments of `Db.registerWorker` and `Db.acquireWorker`. */
export interface RegisterArguments {
  /** Chosen by the worker. */
  workerId: string;
  /** The queues it works on. */
  queueNames: readonly string[];
  /** The edge function it lives in. */
  functionName: string;
  /** The version of the function's code, if known. */
  deployment?: string | undefined;
  /** How long it is taken for alive after a sign of life. */
  leaseMs: number;
}
