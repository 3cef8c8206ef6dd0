/**
 * What libraries of schemas have in common.
 *
 * The interfaces are those of version 1 of [Standard Schema](https://standardschema.dev), which is
 * written to be copied: no library has to be depended upon.
 *
 * @module
 */

/** A schema of zod, valibot, arktype or any other library that keeps to the standard. */
export interface StandardSchema<Input = unknown, Output = Input> {
  /** Where the standard keeps all of it. */
  readonly "~standard": StandardSchemaProps<Input, Output>;
}

/** What every schema can say about itself. */
export interface StandardSchemaProps<Input = unknown, Output = Input> {
  /** The version of the standard. */
  readonly version: 1;
  /** The library's name. */
  readonly vendor: string;
  /** Looks at a value. */
  readonly validate: (
    value: unknown,
  ) => StandardSchemaResult<Output> | Promise<StandardSchemaResult<Output>>;
  /** Types only; no value at run time. */
  readonly types?: { readonly input: Input; readonly output: Output } | undefined;
}

/** The value, or what is wrong with it. */
export type StandardSchemaResult<Output> =
  | {
    /** The value, as the schema makes it. */
    readonly value: Output;
    /** Nothing is wrong. */
    readonly issues?: undefined;
  }
  | {
    /** What is wrong. */
    readonly issues: readonly StandardSchemaIssue[];
  };

/** One thing that is wrong with a value. */
export interface StandardSchemaIssue {
  /** What it is, for people. */
  readonly message: string;
  /** Where in the value it is. */
  readonly path?:
    | readonly (PropertyKey | { readonly key: PropertyKey })[]
    | undefined;
}
