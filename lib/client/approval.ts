/**
 * What people are asked.
 *
 * @module
 */

/** An approval that waits for an answer. */
export interface Approval {
  /** The run that waits. */
  readonly runId: string;
  /** Its flow's slug. */
  readonly flow: string;
  /** The step that waits. */
  readonly step: string;
  /** Which element it is about, in an approval for each element of an array. */
  readonly taskIndex: number;
  /** What there is to decide. */
  readonly input: unknown;
  /** Since when, as an ISO date. */
  readonly waitingSince: string;
  /** When it is too late, as an ISO date. */
  readonly until?: string;
}
