/**
 * What a handler is given besides its payload.
 *
 * @module
 */

/** The second argument of every handler: which task this is, and what it may use. */
export interface HandlerContext<Input = unknown> {
  /** The run's id. */
  readonly runId: string;
  /** The flow's slug. */
  readonly flow: string;
  /** The step's slug. */
  readonly step: string;
  /** The index of the element this task works on; 0 in a step that is not a map. */
  readonly taskIndex: number;
  /** Which attempt this is, counted from 1. */
  readonly attempt: number;
  /** The same for every attempt of this task and for no other: a key for idempotent writes. */
  readonly taskKey: string;
  /** When the step's timeout ends this attempt. */
  readonly deadline: Date;
  /** Aborted at the step's timeout, at shutdown, or when the run ended: pass it on to `fetch`. */
  readonly signal: AbortSignal;
  /** Writes to the worker's log, with the run, step and attempt in each line. */
  readonly log: Logger;
  /** The environment variables of the worker. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The worker's connection to the database. */
  readonly sql: Sql;
  /** Fetches the flow's input, once per run: a map's handler gets an element only. */
  run(): Promise<Input>;
}

/** Lines of log at four levels, each with optional fields. */
export interface Logger {
  /** Writes what only a developer of the flow wants to know. */
  debug(message: string, fields?: Record<string, unknown>): void;
  /** Writes what happened. */
  info(message: string, fields?: Record<string, unknown>): void;
  /** Writes what should be looked at. */
  warn(message: string, fields?: Record<string, unknown>): void;
  /** Writes what went wrong. */
  error(message: string, fields?: Record<string, unknown>): void;
}

/**
 * A tagged template that runs one SQL statement; its values become parameters, never text.
 *
 * It names no driver, so that a flow can be imported where there is none.
 */
export interface Sql {
  /** Runs the statement and resolves with its rows. */
  <Row extends object = Record<string, unknown>>(
    statement: TemplateStringsArray,
    ...values: readonly unknown[]
  ): Promise<Row[]>;
  /** Marks a value as a `json` or `jsonb` parameter. */
  json(value: unknown): unknown;
}
