/**
 * The check that nothing is lost when a value becomes JSON.
 *
 * @module
 */
import { PgflowError } from "../errors.ts";
import { findJsonProblem } from "./find_json_problem.ts";
import type { Json } from "./json.ts";

/**
 * Throws a PgflowError with code PF101 unless `value` comes back from a jsonb column as it is now.
 *
 * @param value What is to be stored.
 * @param action What cannot be done if it is not JSON, such as `return output of step "greet"`.
 */
export function assertJson(value: unknown, action: string): asserts value is Json {
  const problem = findJsonProblem(value);
  if (problem === undefined) return;
  throw new PgflowError(`Cannot ${action}: $${problem.path} ${problem.state}`, {
    code: "PF101",
    hint: problem.hint,
  });
}
