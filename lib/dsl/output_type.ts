/**
 * What the answer to an approval is.
 *
 * @module
 */
import type { StandardSchema } from "./standard_schema.ts";

/**
 * A [Standard Schema](https://standardschema.dev) in the one respect that counts here, the type of
 * its output: `type<T>()`, or a schema of zod, valibot or arktype.
 */
export interface OutputType<Output = unknown> {
  /** Where the standard keeps all of it. */
  readonly "~standard": {
    /** The version of the standard. */
    readonly version: 1;
    /** Types only; no value at run time. */
    readonly types?: { readonly output: Output } | undefined;
  };
}

/**
 * Names a type where a schema may stand; it validates nothing.
 *
 * @example
 * ```ts
 * import { Flow, type } from "pgflow/dsl";
 *
 * export const Publish = new Flow<{ text: string }>({ slug: "publish" })
 *   .approval("review", { output: type<{ approved: boolean }>() })
 *   .step("published", ["review"], ({ run, review }) => review.approved ? run.text : null);
 * ```
 */
export function type<Type>(): StandardSchema<Type> {
  return Object.freeze({
    "~standard": Object.freeze({
      version: 1,
      vendor: "pgflow",
      validate: (value: unknown) => ({ value: value as Type }),
    }),
  });
}
