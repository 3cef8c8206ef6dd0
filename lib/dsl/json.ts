/**
 * JSON as a type, and what keeps other types from being it.
 *
 * @module
 */

/** Any value that JSON can say. */
export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [key: string]: Json };

/**
 * Is `T` when every value of `T` survives JSON, a type that `T` cannot be assigned to otherwise.
 *
 * Unlike {@linkcode Json} it accepts interfaces, and optional properties, which JSON drops. Objects
 * are looked into only as far as a comparison asks, so that a type may contain itself.
 */
export type JsonOf<T> = T extends string | number | boolean | null ? T
  : T extends NotJson ? never
  : T extends readonly (infer Element)[] ? readonly JsonOf<Element>[]
  : T extends object ? { [Key in keyof T]: JsonOf<T[Key]> | Absent<Key, T[Key]> }
  : never;

/** Is `undefined` where it stands for a key that is not there, as in `Partial<Record<string, 1>>`. */
export type Absent<Key, Value> = string extends Key ? Extract<Value, undefined> : never;

/** Says `true` when every value of `T` survives JSON; `any` is taken at its word. */
export type IsJson<T> = [T] extends [JsonOf<T>] ? true : false;

/** Is the path to what keeps `T` from being JSON, and what it is: `$.created is a Date`. */
export type JsonProblem<T, Path extends string = "$"> = ProblemsOf<T, Path, []>;

/** The values of these types are objects, or nothing, to TypeScript, and something else to JSON. */
export type NotJson =
  | undefined
  | void
  | symbol
  | bigint
  // deno-lint-ignore ban-types
  | Function
  | Date
  | RegExp
  | PromiseLike<unknown>
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | ArrayBufferLike
  | ArrayBufferView;

/** Is {@linkcode JsonProblem}, and does not look deeper than eight levels. */
export type ProblemsOf<T, Path extends string, Depth extends unknown[]> = IsJson<T> extends true
  ? never
  : Depth["length"] extends 8 ? `${Path} is not JSON`
  : unknown extends T ? `${Path} is unknown: say what it is`
  : T extends string | number | boolean | null ? never
  : T extends NotJson ? `${Path} ${StateOf<T>}`
  : T extends readonly (infer Element)[] ? ProblemsOf<Element, `${Path}[]`, [...Depth, 0]>
  : T extends object
    ? ProblemsIn<{ [Key in keyof T]-?: Exclude<T[Key], Absent<Key, T[Key]>> }, Path, Depth>
  : `${Path} is not JSON`;

/** The properties that are wrong in themselves come first: those deeper may be the same again. */
export type ProblemsIn<T, Path extends string, Depth extends unknown[]> =
  [Extract<T[keyof T], NotJson>] extends [never]
    ? { [Key in keyof T & string]: ProblemsOf<T[Key], `${Path}.${Key}`, [...Depth, 0]> }[
      & keyof T
      & string
    ]
    : {
      [Key in keyof T & string]: Extract<T[Key], NotJson> extends infer Wrong
        ? [Wrong] extends [never] ? never : `${Path}.${Key} ${StateOf<Wrong>}`
        : never;
    }[keyof T & string];

/** Says what `T` is and what to do about it. */
export type StateOf<T> = T extends undefined ? "may be undefined: return null, or leave it out"
  : T extends void ? "is undefined: return null when there is nothing to return"
  : T extends Date ? "is a Date: return its toISOString()"
  : T extends bigint ? "is a bigint: return String() of it"
  : T extends symbol ? "is a symbol: leave it out"
  : T extends ReadonlyMap<unknown, unknown> ? "is a Map: return Object.fromEntries() of it"
  : T extends ReadonlySet<unknown> ? "is a Set: return it as an array"
  : T extends PromiseLike<unknown> ? "is a Promise: await it"
  // deno-lint-ignore ban-types
  : T extends Function ? "is a function: leave it out"
  : "is not JSON: return a plain object of what you need of it";
