import type { EdgeFunction } from "./edge_function.ts";
import type { FunctionLog } from "./function_log.ts";
import type { IsolateLimits } from "./isolate_limits.ts";
import type { IsolateMessage, UnloadReason } from "./isolate_messages.ts";
import { IsolateProcess } from "./isolate_process.ts";
import type { ProcessUsage } from "./process_usage.ts";
import { type Limited, watchLimits } from "./watch_limits.ts";
import { workerError } from "./worker_error.ts";

/** What an isolate needs besides its function. */
export interface IsolateOptions {
  config: string;
  env: Record<string, string>;
  limits: IsolateLimits;
  onLog: (log: FunctionLog) => void;
}

/** How a request is passed on to a function. */
export interface ForwardOptions {
  /** What the function sees as its URL's path and query. */
  path: string;
  /** Aborted when nobody waits for the answer any more. */
  signal?: AbortSignal;
}

/** One running instance of an edge function: serves many requests, ends at its limits. */
export class Isolate implements Limited {
  /** Resolves when the isolate is gone. */
  readonly ended: Promise<void>;

  readonly #process: IsolateProcess;
  readonly #limits: IsolateLimits;
  readonly #client = Deno.createHttpClient({});
  readonly #port = Promise.withResolvers<number | undefined>();
  #requests = 0;
  #isListening = false;
  #isRetired = false;
  #mayDrop = false;
  #hasExceeded = false;

  constructor(definition: EdgeFunction, { config, env, limits, onLog }: IsolateOptions) {
    this.#limits = limits;
    this.#process = new IsolateProcess(definition, {
      config,
      env: {
        ...env,
        ...definition.env,
        SUPABASE_FUNCTION_SLUG: definition.name,
        SB_EXECUTION_ID: crypto.randomUUID(),
      },
      onLog,
      onMessage: (message) => this.#hear(message),
    });
    const callOff = watchLimits(this, limits);
    const bootTimer = setTimeout(() => this.kill(), limits.bootTime);
    this.#port.promise.then(() => clearTimeout(bootTimer));
    this.ended = this.#process.ended.then(() => {
      this.#isRetired = true;
      this.#port.resolve(undefined);
      callOff();
      this.#client.close();
    });
  }

  /** Whether new requests may come here. */
  get isOpen(): boolean {
    return !this.#isRetired;
  }

  /** Passes a request on to the function and its answer back, or answers in its place. */
  async fetch(request: Request, { path, signal }: ForwardOptions): Promise<Response> {
    this.#requests += 1;
    try {
      const port = await this.#port.promise;
      if (port === undefined) {
        return workerError(this.#hasExceeded ? "WORKER_LIMIT" : "BOOT_ERROR");
      }
      const response = await this.#forward(request, `http://127.0.0.1:${port}${path}`, signal);
      if (response.body === null) return this.#finish(response);
      const { readable, writable } = new TransformStream();
      response.body.pipeTo(writable).catch(() => {}).finally(() => this.#finish());
      return new Response(readable, response);
    } catch {
      return this.#finish(await this.#explain(signal));
    }
  }

  usage(): ProcessUsage | undefined {
    return this.#process.usage();
  }

  dropWhenIdle(): void {
    this.#mayDrop = true;
    this.#drop();
  }

  retire(): void {
    this.#isRetired = true;
    this.dropWhenIdle();
  }

  warn(reason: UnloadReason): void {
    this.#process.tell({ type: "beforeunload", reason });
  }

  exceed(): void {
    this.#hasExceeded = true;
    this.kill();
  }

  /** Ends the isolate without a word. */
  kill(): void {
    this.#isRetired = true;
    this.#process.kill();
  }

  /** Ends the isolate because its host wants so, after a while in which it can finish its work. */
  async terminate(): Promise<void> {
    this.warn("termination");
    this.retire();
    const grace = this.#isListening ? this.#limits.terminationTime : 0;
    const timer = setTimeout(() => this.kill(), grace);
    await this.ended;
    clearTimeout(timer);
  }

  #hear(message: IsolateMessage): void {
    if (message.type === "listening") {
      this.#isListening = true;
      this.#port.resolve(message.port);
    }
    if (message.type === "idle") this.#drop();
    // A request may have come in the meantime.
    if (message.type === "dropped" && this.#requests === 0) this.kill();
  }

  /** The function has the last word: it may have background work that this side does not know. */
  #drop(): void {
    if (this.#mayDrop && this.#requests === 0) this.#process.tell({ type: "drop" });
  }

  async #forward(request: Request, url: string, signal?: AbortSignal): Promise<Response> {
    const headers = new Headers(request.headers);
    headers.delete("host");
    headers.set("accept-encoding", "identity");
    const late = new AbortController();
    const timer = setTimeout(() => late.abort("late"), this.#limits.responseTime);
    try {
      return await fetch(url, {
        method: request.method,
        headers,
        body: request.body,
        redirect: "manual",
        signal: AbortSignal.any([late.signal, ...(signal ? [signal] : [])]),
        client: this.#client,
      });
    } catch (error) {
      if (late.signal.aborted) return workerError("IDLE_TIMEOUT");
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  #finish<R extends Response | undefined>(response?: R): R {
    this.#requests -= 1;
    this.#drop();
    return response as R;
  }

  /** Says why a request broke: it may be seen here before the end of the process is. */
  async #explain(signal: AbortSignal | undefined): Promise<Response> {
    if (!signal?.aborted) {
      const patience = Promise.withResolvers<void>();
      const timer = setTimeout(patience.resolve, 1000);
      await Promise.race([this.ended, patience.promise]);
      clearTimeout(timer);
    }
    return workerError(this.#hasExceeded ? "WORKER_LIMIT" : "WORKER_ERROR");
  }
}
