/**
 * Array types by their fixed numbers, so that the driver need not ask the server for them.
 *
 * @module
 */

type Element = string | number | boolean | null;

/** How the driver reads and writes arrays of the common types. */
export const arrayTypes = {
  text: arrayType([1009, 1015, 2951, 1231, 1016], (text) => text),
  integer: arrayType([1007, 1005, 1021, 1022], Number),
  boolean: arrayType([1000], (text) => text === "t"),
  json: arrayType([3807, 199], (text) => JSON.parse(text), JSON.stringify),
};

function arrayType(
  oids: [number, ...number[]],
  parse: (text: string) => unknown,
  format: (value: unknown) => string = formatElement,
) {
  return {
    to: oids[0],
    from: oids,
    serialize: (value: unknown) => Array.isArray(value) ? formatArray(value, format) : value,
    parse: (text: string) => parseArray(text, parse),
  };
}

/** Writes an array as Postgres reads it: `{"a","b",null}`. */
export function formatArray(
  values: readonly unknown[],
  format: (value: unknown) => string = formatElement,
): string {
  const elements = values.map((value) => {
    if (value === null || value === undefined) return "null";
    if (Array.isArray(value) && format === formatElement) return formatArray(value);
    return `"${format(value).replace(/["\\]/g, "\\$&")}"`;
  });
  return `{${elements.join(",")}}`;
}

function formatElement(value: unknown): string {
  return value instanceof Date ? value.toISOString() : String(value);
}

/** Reads an array of one dimension as Postgres writes it. */
export function parseArray(
  text: string,
  parse: (text: string) => unknown = (element) => element,
): unknown[] {
  const elements = text.slice(1, -1).matchAll(/"((?:[^"\\]|\\.)*)"|([^,]+)/gs);
  return Array.from(elements, ([, quoted, plain]): Element | unknown => {
    if (quoted !== undefined) return parse(quoted.replace(/\\(.)/gs, "$1"));
    return plain === "NULL" ? null : parse(plain!);
  });
}
