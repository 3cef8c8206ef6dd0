import type { Random } from "../property/random.ts";
import { served } from "./flows.ts";
import { Victim } from "./victim.ts";
import { type PausePoint, wireProxy } from "./wire_proxy.ts";
import type { World } from "./world.ts";

/** How a worker is to end. */
export type Fate =
  /** At a statement, the n-th of its kind, or a while later if that does not come. */
  | { kind: "point"; point: PausePoint & { nth: number } }
  /** Killed after so many milliseconds. */
  | { kind: "time"; milliseconds: number }
  /** When all is over. */
  | { kind: "survive" };

// How long a worker waits for its statement, and then for one of those that end it.
const POINT_MS = 1000;
const STOP_MS = 1500;

/** Keeps workers running: for each that ends another one starts, with the next fate. */
export class Fleet {
  /** How many were killed. */
  kills = 0;
  /** How many of them at a statement, by its name and side. */
  readonly points = new Map<string, number>();
  /** The statements that were seen. */
  readonly statements = new Set<string>();
  /** Those that run now. */
  readonly workers = new Set<Victim>();
  readonly #world: World;
  readonly #url: () => string;
  #nextFate: () => Fate = () => ({ kind: "survive" });
  #missed: Fate[] = [];
  #isOver = false;
  #slots: Promise<void>[] = [];

  /** Creates a fleet whose workers reach the world's database at a URL. */
  constructor(world: World, url: () => string = () => world.server.url) {
    this.#world = world;
    this.#url = url;
  }

  /** Starts workers for each function; the signal of a survivor is the end of the fleet. */
  start(perFunction: number, nextFate: () => Fate): void {
    this.#nextFate = nextFate;
    for (const name of Object.keys(served)) {
      for (let i = 0; i < perFunction; i++) this.#slots.push(this.#slot(name));
    }
  }

  /** Stops the workers and resolves when all are gone. */
  async stop(): Promise<void> {
    this.#isOver = true;
    for (const worker of this.workers) worker.stop();
    const timer = setTimeout(() => this.workers.forEach((worker) => worker.kill()), 10_000);
    await Promise.all(this.#slots);
    clearTimeout(timer);
  }

  async #slot(functionName: string): Promise<void> {
    while (!this.#isOver) {
      const fate = this.#missed.pop() ?? this.#nextFate();
      const isMet = await this.#live(functionName, fate);
      // Some statements do not come within one worker's life.
      if (!isMet && fate.kind === "point") {
        this.#missed.unshift({ kind: "point", point: { ...fate.point, nth: 1 } });
      }
    }
  }

  /** Returns whether a worker met its fate, when nothing is left of it. */
  async #live(functionName: string, fate: Fate): Promise<boolean> {
    let isHit = false;
    await using proxy = wireProxy(this.#url(), {
      ...(fate.kind === "point" && { point: fate.point }),
      onPoint: () => {
        isHit = true;
        worker.kill();
      },
      onStatement: (statement) => {
        this.statements.add(statement);
        timers ??= timersFor(fate, worker);
      },
    });
    const worker = new Victim(proxy.url, functionName, this.#world.executionsFile);
    this.workers.add(worker);
    let timers: ReturnType<typeof timersFor> | undefined;
    await worker.ended;
    timers?.forEach(clearTimeout);
    this.workers.delete(worker);
    if (worker.isKilled) this.kills++;
    if (isHit && fate.kind === "point") {
      const { when, statement } = fate.point;
      const name = `${when} ${statement}`;
      this.points.set(name, (this.points.get(name) ?? 0) + 1);
    }
    return isHit || fate.kind !== "point";
  }
}

function timersFor(fate: Fate, worker: Victim): ReturnType<typeof setTimeout>[] {
  if (fate.kind === "survive") return [];
  if (fate.kind === "time") return [setTimeout(() => worker.kill(), fate.milliseconds)];
  // Some statements are sent only by a worker that stops.
  return [
    setTimeout(() => worker.stop(), POINT_MS),
    setTimeout(() => worker.kill(), POINT_MS + STOP_MS),
  ];
}

/** Returns fates at each side of each statement, so many of each, in random order. */
export function pointFates(statements: Iterable<string>, each: number, random: Random): Fate[] {
  const fates: Fate[] = [];
  for (const statement of statements) {
    for (const when of ["before", "after"] as const) {
      for (let i = 0; i < each; i++) {
        fates.push({ kind: "point", point: { statement, when, nth: 1 + random.int(i + 1) } });
      }
    }
  }
  return fates.map((fate) => ({ fate, place: random.next() }))
    .sort((a, b) => a.place - b.place)
    .map(({ fate }) => fate);
}
