import { type ChaosOptions, seededRandom } from "./chaos.ts";
import type { EdgeFunction } from "./edge_function.ts";
import type { FunctionLog } from "./function_log.ts";
import { type ForwardOptions, Isolate } from "./isolate.ts";
import { type IsolateLimits, platformLimits } from "./isolate_limits.ts";
import { processUsage } from "./process_usage.ts";
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
  /**
   * Whether isolates are killed at random.
   * @default {they are not}
   */
  chaos?: ChaosOptions;
}

/**
 * Runs edge functions as the platform does: the first request boots an isolate, later ones go to
 * the same, until it is retired; then the next request boots another while the first one drains.
 */
export class FunctionsHost implements AsyncDisposable {
  readonly #functions: Map<string, EdgeFunction>;
  readonly #options: FunctionsHostOptions;
  readonly #isolates = new Map<Isolate, string>();
  readonly #random: () => number;
  #isStopped = false;

  constructor(functions: readonly EdgeFunction[], options: FunctionsHostOptions) {
    this.#functions = new Map(functions.map((definition) => [definition.name, definition]));
    this.#options = options;
    this.#random = seededRandom(options.chaos?.seed ?? 0);
    if (processUsage(Deno.pid) === undefined) sayThatUsageIsUnknown(options);
  }

  /** Answers a request to a function. */
  fetch(name: string, request: Request, options: ForwardOptions): Promise<Response> {
    const definition = this.#functions.get(name);
    if (definition === undefined) return Promise.resolve(workerError("NOT_FOUND"));
    if (this.#isStopped) return Promise.resolve(workerError("BOOT_ERROR"));
    return this.#openIsolate(definition).fetch(request, options);
  }

  /** Kills the isolates of a function without a word, and returns how many. */
  kill(name: string): number {
    const isolates = [...this.#isolates].filter(([_, other]) => other === name);
    for (const [isolate] of isolates) isolate.kill();
    return isolates.length;
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
    if (this.#options.chaos) this.#killAtRandom(isolate, definition.name, this.#options.chaos);
    return isolate;
  }

  #killAtRandom(isolate: Isolate, name: string, chaos: ChaosOptions): void {
    const timer = setTimeout(() => {
      isolate.kill();
      chaos.onKill?.(name);
    }, this.#random() * (chaos.longestLife ?? 6000));
    isolate.ended.then(() => clearTimeout(timer));
  }

  async #terminate(isMeant: (isolate: Isolate) => boolean): Promise<void> {
    const isolates = [...this.#isolates.keys()].filter(isMeant);
    await Promise.all(isolates.map((isolate) => isolate.terminate()));
  }
}

function sayThatUsageIsUnknown({ onLog }: FunctionsHostOptions): void {
  const text = "CPU and memory limits are not enforced here: this system has no /proc to ask";
  onLog({ name: "functions host", stream: "stderr", text });
}
