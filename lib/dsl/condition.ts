/**
 * Conditions: parts of a step's input.
 *
 * @module
 */
import type { IsJson, JsonProblem } from "./json.ts";
import type { AnswerOf, Get, Payload } from "./types.ts";

/** What `runIf` and `runUnless` of a step may be. */
export type Condition<Input, Steps, Dependency extends string> = ConditionOn<
  [Dependency] extends [never] ? Input : Payload<Input, Steps, Dependency>
>;

/** An object that may be a part of `T`; never if `T` is no object. */
export type ConditionOn<T> = unknown extends T ? T
  : T extends readonly unknown[] ? never
  : T extends object ? PartOf<T>
  : never;

/** A value that another one of type `T` may contain. */
export type PartOf<T> = unknown extends T ? T
  : T extends string | number | boolean | null ? T
  : T extends readonly (infer Element)[] ? readonly PartOf<Element>[]
  : T extends object ? { readonly [Key in keyof T]?: PartOf<T[Key]> }
  : never;

/**
 * Is `Options` when all of them exist, nothing in a condition is missing from what it is on, and
 * JSON can say an answer.
 */
export type CheckedOptions<Allowed, Options> =
  // The options are inferred from here, as they are; from a mapped type alone, what is inferred
  // would hold on to the steps before.
  Options extends ExaminedOptions<Allowed, Options> ? Options : ExaminedOptions<Allowed, Options>;

/** Is `Options`, with a message in place of each that is wrong. */
export type ExaminedOptions<Allowed, Options> = {
  [Key in keyof Options]: Key extends "runIf" | "runUnless"
    ? CheckedPart<NonNullable<Get<Allowed, Key>>, Options[Key]>
    : Key extends "output" & keyof Allowed ? CheckedAnswer<Options[Key]>
    : Key extends keyof Allowed ? Options[Key]
    : `There is no option "${Key & string}"`;
};

/** Is `Schema` when JSON can say what it is a schema of. */
export type CheckedAnswer<Schema> = IsJson<AnswerOf<Schema>> extends true ? Schema
  : `Cannot use this type of output: ${JsonProblem<AnswerOf<Schema>>}`;

/** Is `Part` when each of its properties is one of `Whole`; without them it can never match. */
export type CheckedPart<Whole, Part> = unknown extends Whole ? Part
  : Part extends readonly unknown[] ? Part
  : Part extends object ? {
      [Key in keyof Part]: Key extends KeyOf<Whole>
        ? CheckedPart<NonNullable<ValueOf<Whole, Key>>, Part[Key]>
        : `The condition can never match: there is no "${Key & string}"`;
    }
  : Part;

/** The keys of any member of a union. */
export type KeyOf<T> = T extends unknown ? keyof T : never;

/** The values that any member of a union has under a key. */
export type ValueOf<T, Key> = T extends unknown ? Get<T, Key> : never;
