import { type Json, randomArray, randomJson } from "./json.ts";
import { Random } from "./random.ts";

/** What happens to an attempt of a task once it is claimed. */
export type Fate =
  | { kind: "complete"; output: Json }
  | { kind: "fail" | "permanent"; message: string }
  /** Its worker is gone: the attempt is never reported while it is open. */
  | { kind: "lost" }
  /** Its worker gives it back. */
  | { kind: "release" };

/** What is answered to an approval. */
export type Answer =
  | { kind: "complete"; output: Json }
  | { kind: "fail"; message: string }
  | { kind: "timeout" };

/**
 * Decides what each handler, person and accident does, from the seed and the place alone, so that
 * the engine and the interpreter meet the same ones in whatever order they come.
 */
export class Handlers {
  #seed: string;
  #harshness: number;

  constructor(seed: string) {
    this.#seed = seed;
    this.#harshness = new Random(`${seed} harshness`).pick([0.3, 1, 1, 2]);
  }

  /** Returns the fate of an attempt of a task. */
  attempt(task: string, attempt: number, wantsArray: boolean): Fate {
    const random = new Random(`${this.#seed} ${task}#${attempt}`);
    const kind = random.weighted({
      complete: 75,
      fail: 12 * this.#harshness,
      permanent: 2 * this.#harshness,
      lost: 6 * this.#harshness,
      release: 5 * this.#harshness,
    });
    if (kind === "complete") return { kind, output: output(random, wantsArray) };
    if (kind === "lost" || kind === "release") return { kind };
    return { kind, message: `${task}#${attempt} went wrong` };
  }

  /** Returns the answer to an approval that was refused so many times before its run was retried. */
  answer(task: string, refusals: number, wantsArray: boolean, hasTimeout: boolean): Answer {
    const random = new Random(`${this.#seed} ${task}?${refusals}`);
    const kind = random.weighted({
      complete: 75,
      fail: 8 * this.#harshness,
      timeout: hasTimeout ? 20 * this.#harshness : 0,
    });
    if (kind === "complete") return { kind, output: output(random, wantsArray) };
    if (kind === "timeout") return { kind };
    return { kind, message: `${task}?${refusals} was refused` };
  }
}

function output(random: Random, wantsArray: boolean): Json {
  return wantsArray && random.chance(0.94) ? randomArray(random) : randomJson(random);
}
