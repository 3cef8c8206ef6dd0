import type { Engine } from "./engine.ts";
import type { Random } from "./random.ts";
import type { World } from "./world.ts";

/** Somebody who calls the engine at random: a worker, a person, an operator, all in one. */
export interface Player {
  world: World;
  engine: Engine;
  random: Random;
  /** Whether others act at the same time. */
  isConcurrent: boolean;
  /** How many actions the transaction that is open still takes; an error would end it. */
  transaction: number;
}

/** Does one thing and says it in a line, or does nothing if there is nothing to do. */
export type Action = (player: Player) => Promise<string | undefined>;
