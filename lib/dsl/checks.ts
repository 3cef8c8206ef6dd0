/**
 * Types that are what they check, or a message that says what is wrong with it.
 *
 * An argument is not assignable to a message, so TypeScript shows it where the argument stands.
 *
 * @module
 */
import type { IsJson, JsonProblem, NotJson } from "./json.ts";
import type { OutputOf } from "./types.ts";

/** Is `Result` when JSON can say it, awaited. */
export type CheckedResult<Slug extends string, Result> = IsJson<Awaited<Result>> extends true
  ? Result
  : `Cannot return output of step "${Slug}": ${JsonProblem<Awaited<Result>>}`;

/** Is `Definition` when JSON can say the flow's input. */
export type CheckedInput<Input, Definition> = IsJson<Input> extends true ? Definition
  : IsJson<Exact<Input>> extends true ? Definition
  : `Cannot create flow: its input ${JsonProblem<Exact<Input>>}`;

/** Is `T` without `undefined` in optional properties, where schemas say it and JSON drops it. */
export type Exact<T> = T extends NotJson ? T
  : T extends object ? {
      [Key in keyof T]: Record<never, never> extends Pick<T, Key>
        ? Exact<Exclude<T[Key], undefined>>
        : Exact<T[Key]>;
    }
  : T;

/** Is `Dependency` when its output is an array. */
export type CheckedArray<Steps, Dependency extends string> = [OutputOf<Steps, Dependency>] extends
  [readonly unknown[]] ? Dependency
  : `Cannot map over step "${Dependency}": its output is not an array`;

/** Is `T` when the flow's input is an array. */
export type CheckedArrayInput<Input, T> = [Input] extends [readonly unknown[]] ? T
  : "Cannot map over the flow's input: it is not an array";

/** Is `Slug` when a step may be added to `Steps` under that name. */
export type CheckedSlug<Steps, Slug extends string> = string extends Slug ? Slug
  : Slug extends "run" ? `Cannot add step "run": the name is reserved for the flow's input`
  : Slug extends keyof Steps ? `Cannot add step "${Slug}": the flow has a step with this slug`
  : IsSlug<Slug> extends true ? Slug
  : `Cannot add step "${Slug}": a slug is letters, digits and _, and does not start with a digit`;

/** Says whether a text has the form of a slug. */
export type IsSlug<Text extends string> = Text extends "" | `${Digit}${string}` ? false
  : ConsistsOf<Text, Letter | Uppercase<Letter> | Digit | "_">;

/** Says whether a text has no characters but these; the text is looked at one by one. */
export type ConsistsOf<Text extends string, Character extends string> = Text extends
  `${infer First}${infer Rest}`
  ? First extends Character ? ConsistsOf<Rest, Character> : string extends First ? true : false
  : true;

/** The digits. */
export type Digit = "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9";

/** The small letters. */
// deno-fmt-ignore
export type Letter =
  | "a" | "b" | "c" | "d" | "e" | "f" | "g" | "h" | "i" | "j" | "k" | "l" | "m"
  | "n" | "o" | "p" | "q" | "r" | "s" | "t" | "u" | "v" | "w" | "x" | "y" | "z";
