import { PgflowError } from "../errors.ts";
import { pause } from "./pause.ts";
import type { RpcAnswer, RpcError, SupabaseLike } from "./supabase_like.ts";

/** How a function is called. */
export interface RpcOptions {
  /** Gives up when aborted. */
  signal?: AbortSignal | undefined;
  /**
   * How often it is tried when nothing answers; more than once only what may happen twice.
   * @default {1}
   */
  attempts?: number;
}

/** A call that failed in a way that may pass by itself. */
export class PassingError extends PgflowError {
  /** The class's name. */
  override name = "PassingError";
}

const PAUSE_MS = 200;

/** Calls a public function of pgflow, leaving out arguments that are undefined. */
export async function callRpc(
  supabase: SupabaseLike,
  name: string,
  args: Record<string, unknown>,
  { signal, attempts = 1 }: RpcOptions = {},
): Promise<unknown> {
  const given = Object.fromEntries(Object.entries(args).filter(([, value]) => value !== undefined));
  for (let attempt = 1;; attempt++) {
    signal?.throwIfAborted();
    const call = supabase.rpc(name, given);
    const answer = await (signal === undefined ? call : call.abortSignal?.(signal) ?? call);
    signal?.throwIfAborted();
    if (answer.error === null) return answer.data;
    const error = toError(name, answer.error, answer);
    if (attempt >= attempts || !(error instanceof PassingError)) throw error;
    await pause(PAUSE_MS * 2 ** (attempt - 1), signal);
  }
}

function toError(name: string, error: RpcError, { status = 0 }: RpcAnswer): PgflowError {
  const options = { code: error.code || undefined, hint: error.hint ?? undefined, cause: error };
  const isPassing = status === 0 || status === 408 || status === 429 || status > 500 ||
    // Deadlocks and their like come as 500, and so does what is wrong for good.
    (status === 500 && /^(40|53|57|08)/.test(error.code ?? "")) || error.code === "PGRST303";
  if (isPassing) {
    return new PassingError(`Cannot call function "${name}": ${error.message}`, {
      ...options,
      hint: error.hint ?? "Look whether Supabase is there, and whether its address is right",
    });
  }
  return new PgflowError(error.message, options);
}
