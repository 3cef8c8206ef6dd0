/** What the edge runtime adds to the globals of Deno. */
interface EdgeRuntime {
  waitUntil(promise: Promise<unknown>): void;
}

/** All that differs between the edge runtime and plain Deno; no other file names their globals. */
export const platform = {
  /** Returns the environment variables. */
  env(): Record<string, string | undefined> {
    return Deno.env.toObject();
  },

  /** Whether the isolate is one of an edge runtime, which ends it. */
  isEdge(): boolean {
    return (globalThis as { EdgeRuntime?: EdgeRuntime }).EdgeRuntime !== undefined;
  },

  /** Returns the isolate's age in seconds. */
  age(): number {
    return performance.now() / 1000;
  },

  /** Keeps the isolate alive until the promise settles; a process lives by itself. */
  waitUntil(promise: Promise<unknown>): void {
    const { EdgeRuntime } = globalThis as { EdgeRuntime?: EdgeRuntime };
    EdgeRuntime?.waitUntil(promise);
  },

  /** Calls back when the isolate is about to end, with the runtime's word for why. */
  onBeforeUnload(callback: (reason: string) => void): void {
    addEventListener("beforeunload", (event) => {
      const { detail } = event as CustomEvent<{ reason?: string } | null>;
      callback(detail?.reason ?? "unload");
    });
  },
};
