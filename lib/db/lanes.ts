import { toParameter } from "./json_parameter.ts";
import type { Lane } from "./lane.ts";

/** A few connections, and which of them a call goes to. */
export class Lanes {
  readonly #lanes: readonly Lane[];

  /** Creates a group of at least one lane. */
  constructor(lanes: readonly Lane[]) {
    this.#lanes = lanes;
  }

  /** Runs a statement of a handler's, on the connection that waits use least. */
  async query<Row extends object>(
    statement: TemplateStringsArray,
    values: readonly unknown[],
  ): Promise<Row[]> {
    const lane = this.#lanes.at(-1)!;
    lane.foreign++;
    try {
      return await lane.run((sql) =>
        sql<Row[]>(statement, ...values.map((value) => toParameter(sql, value)))
      );
    } finally {
      lane.foreign--;
    }
  }

  /** Whether results could be recorded while a wait is going on. */
  get hasSpareConnection(): boolean {
    return this.#lanes.slice(1).some((lane) => lane.foreign === 0);
  }

  /** Cuts the connections on which nothing was answered for this long. */
  cutStalled(milliseconds: number): void {
    for (const lane of this.#lanes) {
      if (lane.isStalled(milliseconds)) lane.cut();
    }
  }

  /** Cuts all connections now; calls on their way are rejected. */
  cut(): void {
    for (const lane of this.#lanes) lane.cut();
  }

  /** Closes all connections. */
  async close(): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane.close()));
  }

  /**
   * Where calls go. A second connection is opened only while a wait holds the first, used when the
   * first was cut, and left to handlers while one of their statements, which may take long, is on
   * its way.
   */
  protected work(): Lane {
    const [first, ...others] = this.#lanes as [Lane, ...Lane[]];
    const other = others.find((lane) => lane.foreign === 0);
    if (!first.waiting && (first.isConnected || !other?.isConnected)) return first;
    return other ?? first;
  }

  /** Where waits go, and what rather goes behind them than open a second connection. */
  protected waiting(): Lane {
    return this.#lanes[0]!;
  }
}
