import postgres from "postgres";
import type { TcpProxy } from "../db/tcp_proxy.ts";
import type { Fleet } from "./fleet.ts";
import { pause, type World } from "./world.ts";

/** All that can happen to a database, to the network before it and to workers, besides their end. */
export class Troubles {
  /** What {@linkcode Troubles.make} takes. */
  static readonly names = [
    "crash",
    "terminate",
    "cut",
    "freeze",
    "delay",
    "crowd",
    "sleep",
  ] as const;

  /** How often Postgres crashed. */
  restarts = 0;
  readonly #world: World;
  readonly #network: TcpProxy;
  readonly #fleet: Fleet;

  constructor(world: World, network: TcpProxy, fleet: Fleet) {
    this.#world = world;
    this.#network = network;
    this.#fleet = fleet;
  }

  /** Makes trouble and resolves when it is over, but for its consequences. */
  make(name: typeof Troubles.names[number]): Promise<void> {
    return this[name]();
  }

  /** Postgres ends as in a crash and starts again. */
  async crash(): Promise<void> {
    await this.#world.server.crash();
    this.restarts++;
  }

  /** Half of the workers' connections are ended by the server, a few times. */
  async terminate(): Promise<void> {
    for (let i = 0; i < 5; i++) {
      await this.#world.untilDone(() =>
        this.#world.sql`
          select pg_terminate_backend(pid) from pg_stat_activity
          where application_name like 'pgflow:%' and random() < 0.5`
      );
      await pause(this.#world.random.int(200));
    }
  }

  /** The network ends all connections and takes none for a while. */
  async cut(): Promise<void> {
    this.#network.cut();
    await pause(this.#world.random.int(1500));
    this.#network.mend();
  }

  /** Connections stay open and lead nowhere; new ones work. */
  freeze(): Promise<void> {
    this.#network.freeze();
    return Promise.resolve();
  }

  /** Answers take longer for a while. */
  async delay(): Promise<void> {
    this.#network.delay = 20 + this.#world.random.int(200);
    await pause(1500);
    this.#network.delay = 0;
  }

  /** Others take all connections that there are, and workers lose theirs meanwhile. */
  async crowd(): Promise<void> {
    const others = postgres(this.#world.server.url, {
      max: 40,
      onnotice: () => {},
      backoff: false,
    });
    const holding = Array.from({ length: 40 }, () => others`select pg_sleep(1.5)`.catch(() => {}));
    await pause(300);
    this.#network.cut();
    this.#network.mend();
    await Promise.all(holding);
    await others.end({ timeout: 1 });
  }

  /** Some workers stand still until others do their work, and then go on as if nothing had been. */
  async sleep(): Promise<void> {
    const sleepers = [...this.#fleet.workers].filter(() => this.#world.random.chance(0.5));
    for (const worker of sleepers) worker.pause();
    await pause(4500);
    for (const worker of sleepers) worker.resume();
  }
}
