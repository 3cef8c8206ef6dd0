/**
 * `starting`: the flow is compared with the database. `running`: tasks are claimed, also while a
 * successor is on its way. `deprecated`: another worker took over; what is held is finished, nothing
 * is claimed. `stopping`: what is held is given back. `stopped`: nothing happens any more.
 */
export type WorkerState = "starting" | "running" | "deprecated" | "stopping" | "stopped";

const NEXT: Record<WorkerState, readonly WorkerState[]> = {
  starting: ["running", "stopping"],
  running: ["deprecated", "stopping"],
  deprecated: ["stopping"],
  stopping: ["stopped"],
  stopped: [],
};

/** The state of a worker and the ways from one to another. */
export class Lifecycle {
  #state: WorkerState = "starting";

  /** The state now. */
  get state(): WorkerState {
    return this.#state;
  }

  /** Moves on to a state and returns whether there is a way to it from the one now. */
  moveTo(next: WorkerState): boolean {
    if (!NEXT[this.#state].includes(next)) return false;
    this.#state = next;
    return true;
  }
}
