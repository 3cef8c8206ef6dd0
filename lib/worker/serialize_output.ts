import { assertJson, PgflowError } from "../dsl/mod.ts";

/** An output as JSON text, or why it is none. */
export type SerializedOutput =
  | { outputJson: string }
  | { errorMessage: string; permanent: boolean };

/** Turns a handler's output into JSON, or into the failure of its task. */
export function serializeOutput(
  output: unknown,
  stepSlug: string,
  maxBytes: number,
): SerializedOutput {
  const action = `store output of step "${stepSlug}"`;
  try {
    assertJson(output, action);
    const outputJson = JSON.stringify(output);
    const bytes = byteLength(outputJson, maxBytes);
    if (bytes <= maxBytes) return { outputJson };
    return failure(
      `Cannot ${action}: it has ${bytes} bytes of JSON, more than ${maxBytes}`,
      "Store it elsewhere, for instance in Supabase Storage, and return where it is.",
      true,
    );
  } catch (error) {
    const { message } = error as Error;
    return failure(message, error instanceof PgflowError ? error.hint : undefined, false);
  }
}

/** The prefix tells a failure that the handler did not write. */
function failure(
  message: string,
  hint: string | undefined,
  permanent: boolean,
): SerializedOutput {
  const errorMessage = `[type] ${message}${hint === undefined ? "" : `. ${hint}`}`;
  return { errorMessage, permanent };
}

/** A UTF-16 unit is at most three bytes of UTF-8, so that most texts need not be counted. */
function byteLength(text: string, limit: number): number {
  return text.length * 3 <= limit ? text.length : new TextEncoder().encode(text).length;
}
