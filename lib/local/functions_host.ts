import type { EdgeFunction } from "./edge_function.ts";
import type { FunctionLog } from "./function_log.ts";
import { type ForwardOptions, Isolate } from "./isolate.ts";
import { type IsolateLimits, platformLimits } from "./isolate_limits.ts";
import { workerError } from "./worker_error.ts";

/** How a {@linkcode FunctionsHost} runs its functions. */
export interface FunctionsHostOptions {
  /** The path of the Deno configuration that the functions run with. */
  config: string;
  /** The environment variables that the platform gives to each function. */
  env: Record<string, string>;
  /**
   * What an isolate may use; what is left out is as on the platform.
   * @default {platformLimits}
   */
  limits?: Partial<IsolateLimits>;
  /** Receives every line that a function writes. */
  onLog: (log: FunctionLog) => void;
}

/**
 * Runs edge functions as the platform does: the first request boots an isolate, later ones go to
 * the same, until it is retired; then the next request boots another while the first one drains.
 */
export class FunctionsHost implements AsyncDisposable {
  readonly #functions: Map<string, EdgeFunction>;
  readonly #options: FunctionsHostOptions;
  readonly #isolates = new Map<Isolate, string>();
  #isStopped = false;

  constructor(functions: readonly EdgeFunction[], options: FunctionsHostOptions) {
    this.#functions = new Map(functions.map((definition) => [definition.name, definition]));
    this.#options = options;
  }

  /** Answers a request to a function. */
  fetch(name: string, request: Request, options: ForwardOptions): Promise<Response> {
    const definition = this.#functions.get(name);
    if (definition === undefined) return Promise.resolve(workerError("NOT_FOUND"));
    if (this.#isStopped) return Promise.resolve(workerError("BOOT_ERROR"));
    return this.#openIsolate(definition).fetch(request, options);
  }

  /** Lets the function's next request meet its files as they are now. */
  async reload(name: string): Promise<void> {
    await this.#terminate((isolate) => this.#isolates.get(isolate) === name);
  }

  /** Ends all functions; they get a moment to give back what they hold. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#terminate(() => true);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #openIsolate(definition: EdgeFunction): Isolate {
    for (const [isolate, name] of this.#isolates) {
      if (name === definition.name && isolate.isOpen) return isolate;
    }
    const { config, env, limits, onLog } = this.#options;
    const isolate = new Isolate(definition, {
      config,
      env,
      limits: { ...platformLimits, ...limits },
      onLog,
    });
    this.#isolates.set(isolate, definition.name);
    isolate.ended.then(() => this.#isolates.delete(isolate));
    return isolate;
  }

  async #terminate(isMeant: (isolate: Isolate) => boolean): Promise<void> {
    const isolates = [...this.#isolates.keys()].filter(isMeant);
    await Promise.all(isolates.map((isolate) => isolate.terminate()));
  }
}
