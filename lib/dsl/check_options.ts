/** The least value of each option that is a whole number. */
const LEAST = new Map([["maxAttempts", 0], ["baseDelay", 0], ["timeout", 1]]);

/** What a column of type `int` holds. */
const GREATEST = 2 ** 31 - 1;

/**
 * Returns the options that were given, or throws and says what is wrong with them.
 *
 * @param subject The beginning of the message, such as `Cannot create flow "x"`.
 */
export function checkOptions<Options extends object>(options: unknown, subject: string): Options {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new TypeError(`${subject}: its options are not an object`);
  }
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  for (const [name, value] of given) {
    const least = LEAST.get(name);
    if (least === undefined) throw new TypeError(`${subject}: there is no option "${name}"`);
    if (typeof value !== "number") {
      throw new TypeError(`${subject}: its ${name} is not a number`);
    }
    if (!Number.isInteger(value) || value < least || value > GREATEST) {
      throw new RangeError(`${subject}: its ${name} is ${value}, not a whole number from ${least}`);
    }
  }
  return Object.freeze(Object.fromEntries(given)) as Options;
}
