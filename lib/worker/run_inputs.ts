/** Runs of which the input is kept. */
const MAX_RUNS = 100;

/** Fetches the inputs of runs, each once, for the many tasks of a map. */
export class RunInputs {
  readonly #fetch: (runId: string) => Promise<unknown>;
  readonly #inputs = new Map<string, Promise<unknown>>();

  /** Creates an empty store in front of `fetch`. */
  constructor(fetch: (runId: string) => Promise<unknown>) {
    this.#fetch = fetch;
  }

  /** Returns a run's input. */
  get(runId: string): Promise<unknown> {
    const known = this.#inputs.get(runId);
    if (known !== undefined) return known;
    const input = this.#fetch(runId);
    input.catch(() => this.#inputs.delete(runId));
    this.#inputs.set(runId, input);
    if (this.#inputs.size > MAX_RUNS) this.#inputs.delete(this.#inputs.keys().next().value!);
    return input;
  }
}
