import { findJsonProblem } from "./find_json_problem.ts";
import type { OutputType } from "./output_type.ts";
import type { StepDefinition } from "./step.ts";

/** Says what is wrong with an option's value, if anything is. */
type Check = (value: unknown, name: string) => TypeError | RangeError | undefined;

const ofFlows: [string, Check][] = [
  ["maxAttempts", wholeNumberFrom(0)],
  ["baseDelay", wholeNumberFrom(0)],
  ["timeout", wholeNumberFrom(1)],
];

/** The options of a flow. */
export const flowOptions: ReadonlyMap<string, Check> = new Map([
  ...ofFlows,
  ["retryJitter", part],
  ["startableBy", roles],
  ["openRunsPerOwner", wholeNumberFrom(1)],
  ["startsPerMinutePerOwner", wholeNumberFrom(1)],
  ["broadcast", trueOrFalse],
]);

const ofConditions: [string, Check][] = [
  ["runIf", jsonObject],
  ["runUnless", jsonObject],
  ["whenUnmet", otherwise],
  ["whenExhausted", otherwise],
];

/** The options of a step that a handler performs. */
const ofHandlers: ReadonlyMap<string, Check> = new Map([
  ...ofFlows,
  ["startDelay", wholeNumberFrom(0)],
  ...ofConditions,
]);

/** The options of steps, by who performs them. */
export const stepOptions: Record<StepDefinition["performedBy"], ReadonlyMap<string, Check>> = {
  handler: ofHandlers,
  subflow: ofHandlers,
  approval: new Map([
    ["timeout", wholeNumberFrom(1)],
    ...ofConditions,
    ["output", outputType],
    ["assignee", assignee],
  ]),
};

/**
 * Returns the options that were given, or throws and says what is wrong with them.
 *
 * @param known The options that there are.
 * @param subject The beginning of the message, such as `Cannot create flow "x"`.
 */
export function checkOptions<Options extends object>(
  options: unknown,
  known: ReadonlyMap<string, Check>,
  subject: string,
): Options {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new TypeError(`${subject}: its options are not an object`);
  }
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  for (const [name, value] of given) {
    const check = known.get(name);
    if (check === undefined) throw new TypeError(`${subject}: there is no option "${name}"`);
    const error = check(value, name);
    if (error !== undefined) {
      error.message = `${subject}: its ${error.message}`;
      throw error;
    }
  }
  return Object.freeze(Object.fromEntries(given)) as Options;
}

function wholeNumberFrom(least: number): Check {
  return (value, name) => {
    if (typeof value !== "number") return new TypeError(`${name} is not a number`);
    // The column is of type int.
    if (Number.isInteger(value) && value >= least && value < 2 ** 31) return undefined;
    return new RangeError(`${name} is ${value}, not a whole number from ${least}`);
  };
}

function part(value: unknown, name: string): TypeError | RangeError | undefined {
  if (typeof value !== "number") return new TypeError(`${name} is not a number`);
  if (value >= 0 && value <= 1) return undefined;
  return new RangeError(`${name} is ${value}, not a number from 0 to 1`);
}

function trueOrFalse(value: unknown, name: string): TypeError | undefined {
  return typeof value === "boolean" ? undefined : new TypeError(`${name} is not true or false`);
}

function jsonObject(value: unknown, name: string): TypeError | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return new TypeError(`${name} is not an object`);
  }
  const problem = findJsonProblem(value);
  if (problem === undefined) return undefined;
  return new TypeError(`${name} is not JSON: $${problem.path} ${problem.state}`);
}

function otherwise(value: unknown, name: string): RangeError | undefined {
  if (value === "skip-cascade" || value === "skip" || value === "fail") return undefined;
  return new RangeError(`${name} is not "skip-cascade", "skip" or "fail"`);
}

function roles(value: unknown, name: string): TypeError | RangeError | undefined {
  if (!Array.isArray(value)) return new TypeError(`${name} is not an array of roles`);
  if (value.every((role) => role === "anon" || role === "authenticated")) return undefined;
  return new RangeError(`${name} has another role than "anon" and "authenticated"`);
}

function assignee(value: unknown, name: string): RangeError | undefined {
  // The same pattern is a constraint of the column.
  const known = /^(owner|role:.+|user|user:[^.]+(\.[^.]+)*)$/;
  if (typeof value === "string" && known.test(value)) return undefined;
  return new RangeError(`${name} is not "owner", "role:<name>", "user" or "user:<path>"`);
}

function outputType(value: unknown, name: string): TypeError | undefined {
  // Some libraries' schemas are functions.
  if (Object(value) === value && Object((value as OutputType)["~standard"])["version"] === 1) {
    return undefined;
  }
  return new TypeError(`${name} is not a Standard Schema, such as type<string>()`);
}
