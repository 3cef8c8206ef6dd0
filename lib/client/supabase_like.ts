/**
 * What of supabase-js is used, so that any version, and a test's stand-in, will do.
 *
 * @module
 */

/** A client of supabase-js, as far as it matters here. */
export interface SupabaseLike {
  /** Calls a function of the database. */
  rpc(name: string, args?: object): RpcCall;
  /** Opens a channel of Realtime; without it runs are watched by reading them. */
  channel?(topic: string, options: { config: { private: boolean } }): ChannelLike;
  /** Closes a channel. */
  // deno-lint-ignore no-explicit-any -- what channel() returned, which has no name in common
  removeChannel?(channel: any): Promise<unknown>;
}

/** A call that is sent when somebody waits for it. */
export interface RpcCall extends PromiseLike<RpcAnswer> {
  /** Gives the call up when the signal is aborted. */
  abortSignal?(signal: AbortSignal): PromiseLike<RpcAnswer>;
}

/** What a call came to. */
export interface RpcAnswer {
  /** What the function returned. */
  readonly data: unknown;
  /** Why it returned nothing. */
  readonly error: RpcError | null;
  /** The status of HTTP; 0 when nothing answered. */
  readonly status?: number;
}

/** What the API says about a call that failed. */
export interface RpcError {
  /** What happened. */
  readonly message: string;
  /** The SQLSTATE, or a code of the API's own. */
  readonly code?: string;
  /** What to do about it. */
  readonly hint?: string | null;
}

/** A channel of Realtime, as far as it matters here. */
export interface ChannelLike {
  /** Listens to broadcasts. */
  on(
    type: "broadcast",
    filter: { event: string },
    // deno-lint-ignore no-explicit-any -- each version has a type of its own for it
    callback: (message: any) => void,
  ): unknown;
  /** Joins the channel and tells how that goes, again after each reconnect. */
  // deno-lint-ignore no-explicit-any -- an enum there, its values here
  subscribe(callback: (status: any) => void): unknown;
}
