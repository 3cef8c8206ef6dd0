/**
 * Every error of pgflow's own and the codes that callers branch on.
 *
 * A message reads `Cannot <verb> <thing> "<value>": <state>`; what to do about it is in `hint`.
 *
 * @module
 */

/**
 * What each code means, in one sentence.
 *
 * PF0xx are SQLSTATEs that the database raises; PF1xx are raised in TypeScript only. The same table
 * stands in `supabase/schemas/00_schema.sql`.
 */
export const errorCodes = {
  PF001: "the flow does not exist",
  PF002: "the step does not exist in the flow",
  PF003: "the flow's shape differs from the one stored in the database",
  PF004: "the run or idempotency key exists already with another flow, input or owner",
  PF005: "the run does not exist",
  PF006: "the flow's slug cannot be the name of a queue",
  PF007: "the step exists already with other dependencies or of another type",
  PF008: "the flow starts with a map and its input is not an array",
  PF009: "the step does not wait for an answer",
  PF010: "the flow would be its own subflow",
  PF011: "the flow does not exist, or the caller may not start it",
  PF012: "the owner has as many open runs of the flow as one may have",
  PF013: "the owner has started as many runs of the flow in this minute as one may",
  PF014: "the approval is assigned to somebody else",
  PF015: "the value is too large or too deeply nested",
  PF101: "the value is not JSON",
  PF102: "the task ran longer than its timeout",
  PF103: "the handler said that trying again is of no use",
  PF104: "the file holds no flow, or several",
  PF105: "the flow's schema refuses the input",
  PF106: "the database's schema is older or newer than the worker needs it",
  PF107: "the run has failed or was cancelled",
  PF108: "the step was skipped",
} as const;

/** A code of {@linkcode errorCodes}. */
export type ErrorCode = keyof typeof errorCodes;

/** What an error carries besides its message. */
export interface PgflowErrorOptions extends ErrorOptions {
  /** What callers branch on; a SQLSTATE when the database raised it. */
  code?: string | undefined;
  /** What to do about it, as a sentence. */
  hint?: string | undefined;
}

/** The base of every error that pgflow raises on purpose. */
export class PgflowError extends Error {
  /** The class's name. */
  override name = "PgflowError";

  /** What callers branch on: a code of {@linkcode errorCodes}, or another SQLSTATE. */
  readonly code: string | undefined;

  /** What to do about it. */
  readonly hint: string | undefined;

  /** Creates an error with a message and, in `options`, its code, hint and cause. */
  constructor(message: string, options: PgflowErrorOptions = {}) {
    const { code, hint, ...errorOptions } = options;
    super(message, errorOptions);
    this.code = code;
    this.hint = hint;
  }
}

/** Says that a task ran longer than its step's timeout; the task is retried while attempts remain. */
export class TaskTimeoutError extends PgflowError {
  /** The class's name. */
  override name = "TaskTimeoutError";

  /** Creates the error with code PF102. */
  constructor(message: string, options: PgflowErrorOptions = {}) {
    super(message, { code: "PF102", ...options });
  }
}

/**
 * Thrown by a handler when trying again is of no use: the task fails at once, whatever attempts
 * remain.
 */
export class PermanentError extends PgflowError {
  /** The class's name. */
  override name = "PermanentError";

  /** Creates the error with code PF103. */
  constructor(message: string, options: PgflowErrorOptions = {}) {
    super(message, { code: "PF103", ...options });
  }
}

/** One thing that is wrong with the input of a flow. */
export interface InvalidInputIssue {
  /** Where it is: `$` is the input, `$.items[0].sku` a part of it. */
  readonly path: string;
  /** What it is, in the words of the flow's schema. */
  readonly message: string;
}

/** Says that a flow's schema refuses an input: nothing was started, or the run fails at once. */
export class InvalidInputError extends PgflowError {
  /** The class's name. */
  override name = "InvalidInputError";

  /** What is wrong, one by one. */
  readonly issues: readonly InvalidInputIssue[];

  /** Creates the error with code PF105. */
  constructor(
    message: string,
    issues: readonly InvalidInputIssue[],
    options: PgflowErrorOptions = {},
  ) {
    super(message, { code: "PF105", ...options });
    this.issues = issues;
  }
}

/** Why a run has no output. */
export interface RunFailure {
  /** The run's id. */
  readonly runId: string;
  /** Its flow's slug. */
  readonly flow: string;
  /** How it ended. */
  readonly status: "failed" | "cancelled";
  /** The step that failed. */
  readonly step?: string | undefined;
  /** What went wrong. */
  readonly reason: string;
}

/** Says that a run has failed or was cancelled, to whoever waits for what it results in. */
export class RunFailedError extends PgflowError implements RunFailure {
  /** The class's name. */
  override name = "RunFailedError";

  /** The run's id. */
  readonly runId: string;

  /** Its flow's slug. */
  readonly flow: string;

  /** How it ended. */
  readonly status: "failed" | "cancelled";

  /** The step that failed. */
  readonly step: string | undefined;

  /** What went wrong: the message of the step's last attempt, with its prefix if it has one. */
  readonly reason: string;

  /** Creates the error with code PF107. */
  constructor(message: string, failure: RunFailure, options: PgflowErrorOptions = {}) {
    super(message, { code: "PF107", ...options });
    this.runId = failure.runId;
    this.flow = failure.flow;
    this.status = failure.status;
    this.step = failure.step;
    this.reason = failure.reason;
  }
}
