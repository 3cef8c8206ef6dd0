/**
 * Runs one edge function in this process as the edge runtime would in an isolate: provides the
 * runtime's globals, serves the function where its host expects it and reports to the host.
 *
 * @module
 */
import type { HostMessage, IsolateMessage, UnloadReason } from "./isolate_messages.ts";
import { textLines } from "./text_lines.ts";

type Handler = (request: Request, info: Deno.ServeHandlerInfo) => Response | Promise<Response>;
type ServeOptions = {
  handler?: Handler;
  onError?: (error: unknown) => Response | Promise<Response>;
  signal?: AbortSignal;
};

const { port, token, entrypoint } = JSON.parse(Deno.env.get("PGFLOW_ISOLATE")!) as {
  port: number;
  token: string;
  entrypoint: string;
};
Deno.env.delete("PGFLOW_ISOLATE");

const host = await Deno.connect({ hostname: "127.0.0.1", port });
const writer = host.writable.getWriter();
const originalServe = Deno.serve;
let isServing = false;
let pending = 0;

tell({ type: "hello", token });
provideGlobals();
listenToHost();
const module = await import(entrypoint) as { default?: { fetch?: Handler } };
if (!isServing && typeof module.default?.fetch === "function") {
  serve(module.default.fetch.bind(module.default));
}
if (!isServing) {
  throw new Error(
    "The function serves nothing: call Deno.serve(handler) or export default { fetch }",
  );
}

function tell(message: IsolateMessage): void {
  writer.write(new TextEncoder().encode(JSON.stringify(message) + "\n")).catch(() => {});
}

function provideGlobals(): void {
  Object.defineProperty(globalThis, "EdgeRuntime", { value: { waitUntil } });
  const ignore = () => {};
  const replaced = { serve, exit: ignore, kill: ignore, addSignalListener: ignore };
  for (const [name, value] of Object.entries(replaced)) {
    Object.defineProperty(Deno, name, { value, configurable: true, writable: true });
  }
  Reflect.deleteProperty(globalThis, "Worker");
}

/** Counts native promises only, as the edge runtime does: a thenable is not waited for. */
function waitUntil<T>(promise: T): T {
  if (promise instanceof Promise) {
    pending += 1;
    promise
      .catch((error) => console.error("A promise given to waitUntil was rejected:", error))
      .finally(() => {
        pending -= 1;
        if (pending === 0) tell({ type: "idle" });
      });
  }
  return promise;
}

/** Takes every form of Deno.serve; where to listen is the host's business. */
function serve(first: Handler | ServeOptions, second?: Handler): Deno.HttpServer {
  const options = typeof first === "function" ? {} : first;
  const handler = typeof first === "function" ? first : second ?? first.handler;
  if (handler === undefined) throw new TypeError("Cannot serve function: it gives no handler");
  isServing = true;
  return originalServe({
    hostname: "127.0.0.1",
    port: 0,
    ...(options.onError && { onError: options.onError }),
    ...(options.signal && { signal: options.signal }),
    onListen: ({ port }) => tell({ type: "listening", port }),
  }, handler);
}

async function listenToHost(): Promise<void> {
  for await (const line of textLines(host.readable)) {
    const message = JSON.parse(line) as HostMessage;
    if (message.type === "beforeunload") {
      announceEnd(message.reason);
    } else if (pending === 0) {
      announceEnd("early_drop");
      tell({ type: "dropped" });
    }
  }
}

function announceEnd(reason: UnloadReason): void {
  globalThis.dispatchEvent(new CustomEvent("beforeunload", { detail: { reason } }));
}
