/** What a loop sleeps on: a call of `wake` ends the sleep now going on, or else the next one. */
export class WakeUp {
  #awake = false;
  #wake: (() => void) | undefined;

  /** Ends the sleep. */
  wake(): void {
    this.#awake = true;
    this.#wake?.();
  }

  /** Resolves when woken. */
  async sleep(): Promise<void> {
    if (!this.#awake) await new Promise<void>((resolve) => this.#wake = resolve);
    this.#awake = false;
    this.#wake = undefined;
  }
}
