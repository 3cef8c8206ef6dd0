/** What a flow's hook for failures is told, in the words of SQL. */
export interface FailedRun<Input> {
  /** The run that failed. */
  readonly run_id: string;
  /** The flow's slug. */
  readonly flow_slug: string;
  /** The run's input. */
  readonly input: Input;
  /** The step that failed. */
  readonly step_slug: string;
  /** The step and what went wrong, as a sentence. */
  readonly error_message: string;
}
