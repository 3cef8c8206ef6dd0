/**
 * Returns a slug, or throws and says what is wrong with it.
 *
 * @param subject The beginning of the message, such as `Cannot create flow "x"`.
 */
export function checkSlug(slug: unknown, maxLength: number, subject: string): string {
  if (typeof slug !== "string") throw new TypeError(`${subject}: its slug is not a string`);
  if (slug === "run") throw new RangeError(`${subject}: the name is reserved for the flow's input`);
  if (slug.length > maxLength) {
    throw new RangeError(`${subject}: its slug is longer than ${maxLength} characters`);
  }
  if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(slug)) {
    throw new RangeError(
      `${subject}: a slug is letters, digits and _, and does not start with a digit`,
    );
  }
  return slug;
}
