import { PgflowError } from "../errors.ts";

/** Says that a program of the system could not be run, and what to do about it. */
export function programMissing(program: string, cause: unknown): PgflowError {
  return new PgflowError(`Cannot run program "${program}": ${(cause as Error).message}`, {
    hint: "Install it with the system's package manager, or add its folder to PATH",
    cause,
  });
}
