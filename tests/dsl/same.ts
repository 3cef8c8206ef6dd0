/**
 * Statements about types, which compile as long as they hold.
 *
 * @module
 */

/** Says `true` when two types are the same, and not just assignable to each other. */
export type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2)
  ? true
  : false;

/** Compiles only as `holds<true>()`. */
export function holds<Statement extends true>(): Statement | void {}
