/** What an isolate may use before the functions host ends it, as on the platform. */
export interface IsolateLimits {
  /**
   * Milliseconds from the isolate's first request to its end. At half of it the isolate is retired:
   * it gets no new requests. At nine tenths the event `beforeunload` tells it.
   * @default {400_000}
   */
  wallClock: number;
  /**
   * Milliseconds of CPU in the isolate's whole life after which it is retired. As with memory, what
   * Deno itself takes before it loads the function is not counted.
   * @default {1_000}
   */
  cpuSoft: number;
  /**
   * Milliseconds of CPU in the isolate's whole life after which it is ended; `beforeunload` tells it
   * at nine tenths.
   * @default {2_000}
   */
  cpuHard: number;
  /**
   * Bytes of memory at which the isolate is ended; `beforeunload` tells it at nine tenths.
   * @default {256 MB}
   */
  memory: number;
  /**
   * Milliseconds until a request must have been answered.
   * @default {150_000}
   */
  responseTime: number;
  /**
   * Milliseconds within which the function must be serving.
   * @default {60_000}
   */
  bootTime: number;
  /**
   * Milliseconds that background work gets when the host stops or reloads the function.
   * @default {3_000}
   */
  terminationTime: number;
}

/** The limits of the platform's paid plan. */
export const platformLimits: IsolateLimits = {
  wallClock: 400_000,
  cpuSoft: 1000,
  cpuHard: 2000,
  memory: 256 * 1024 * 1024,
  responseTime: 150_000,
  bootTime: 60_000,
  terminationTime: 3_000,
};
