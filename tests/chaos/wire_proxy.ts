import { type Frame, Frames } from "./frames.ts";

/** A place between two statements: before one reaches the database, or after it has done its work. */
export interface PausePoint {
  /** The first thing of pgflow's that the statement names, e.g. `settle_tasks`. */
  statement: string;
  when: "before" | "after";
}

/** A proxy that knows which statements pass. */
export interface WireProxy extends AsyncDisposable {
  /** The database's URL through the proxy. */
  url: string;
}

/** What a {@linkcode wireProxy} looks for, and whom it tells. */
export interface WireOptions {
  /** Called once when its statement is there, which then goes no further, or its answer does not. */
  point?: PausePoint & { nth: number };
  onPoint?: () => void;
  /** Called with each statement. */
  onStatement?: (statement: string) => void;
}

/** A statement on its way: all messages up to one Sync. */
interface Unit {
  statement: string | undefined;
  isAwaited: boolean;
}

/** Starts a proxy in front of a database for one worker. */
export function wireProxy(url: string, options: WireOptions): WireProxy {
  const target = new URL(url);
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const proxied = new URL(url);
  proxied.hostname = "127.0.0.1";
  proxied.port = String(listener.addr.port);
  const links = new Set<Link>();
  const watch = watchFor(options);
  const accepting = (async () => {
    for await (const client of listener) {
      const { hostname, port } = target;
      const server = await Deno.connect({ hostname, port: Number(port) }).catch(() => undefined);
      if (server === undefined) client.close();
      else links.add(new Link(client, server, watch));
    }
  })();
  return {
    url: proxied.href,
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const link of links) link.close();
      await accepting;
      await Promise.all([...links].map((link) => link.ended));
    },
  };
}

/** Decides about each statement: whether it may pass, and whether its answer may. */
interface Watch {
  isOver: boolean;
  /** Returns false if the statement must not go on. */
  passes(unit: Unit): boolean;
  answered(): void;
}

function watchFor({ point, onPoint, onStatement }: WireOptions): Watch {
  let left = point?.nth ?? 0;
  const end = () => {
    watch.isOver = true;
    onPoint?.();
  };
  const watch: Watch = {
    isOver: false,
    passes(unit) {
      onStatement?.(unit.statement!);
      if (unit.statement !== point?.statement || --left !== 0) return true;
      if (point!.when === "before") end();
      else unit.isAwaited = true;
      return point!.when === "after";
    },
    answered: end,
  };
  return watch;
}

/** A client's connection and the one made for it. */
class Link {
  readonly ended: Promise<unknown>;
  readonly #prepared = new Map<string, string>();
  readonly #pending: Unit[] = [];
  #unit: Unit = { statement: undefined, isAwaited: false };

  constructor(readonly client: Deno.TcpConn, readonly server: Deno.TcpConn, readonly watch: Watch) {
    for (const connection of [client, server]) connection.setNoDelay();
    this.ended = Promise.all([
      this.#pump(client, server, new Frames(true), (type, body) => this.#ask(type, body)),
      this.#pump(server, client, new Frames(false), (type) => this.#answer(type)),
    ]);
  }

  close(): void {
    for (const connection of [this.client, this.server]) {
      try {
        connection.close();
      } catch {
        // Closed before.
      }
    }
  }

  /** Passes messages on until one may not pass. */
  async #pump(
    from: Deno.Conn,
    to: Deno.Conn,
    frames: Frames,
    passes: (type: string, body: Uint8Array) => boolean,
  ): Promise<void> {
    const buffer = new Uint8Array(65536);
    try {
      for (let count; (count = await from.read(buffer)) !== null;) {
        const passing: Frame[] = [];
        for (const frame of frames.take(buffer.slice(0, count))) {
          if (!this.watch.isOver && passes(frame.type, frame.body)) passing.push(frame);
        }
        const bytes = joined(passing);
        for (let sent = 0; sent < bytes.length;) sent += await to.write(bytes.subarray(sent));
      }
    } catch {
      // One of the two is gone.
    }
    this.close();
  }

  #ask(type: string, body: Uint8Array): boolean {
    if (type === "P") {
      const [name, text] = strings(body);
      this.#prepared.set(name!, text!);
    }
    if (type === "S") this.#finishUnit();
    if (type !== "B" && type !== "Q") return true;
    const text = type === "Q" ? strings(body)[0] : this.#prepared.get(strings(body)[1]!);
    this.#unit.statement = /\bpgflow\.(\w+)/.exec(text ?? "")?.[1] ?? "others";
    const passes = this.watch.passes(this.#unit);
    if (type === "Q") this.#finishUnit();
    return passes;
  }

  #finishUnit(): void {
    this.#pending.push(this.#unit);
    this.#unit = { statement: undefined, isAwaited: false };
  }

  /** The answer to the statement that is awaited is kept back until it is complete. */
  #answer(type: string): boolean {
    const unit = this.#pending[0];
    if (type === "Z") this.#pending.shift();
    if (!unit?.isAwaited) return true;
    if (type === "Z") this.watch.answered();
    return false;
  }
}

function joined(frames: readonly Frame[]): Uint8Array {
  const all = new Uint8Array(frames.reduce((length, { bytes }) => length + bytes.length, 0));
  let at = 0;
  for (const { bytes } of frames) {
    all.set(bytes, at);
    at += bytes.length;
  }
  return all;
}

/** The strings at the beginning of a message; each ends with a zero. */
function strings(body: Uint8Array): string[] {
  return new TextDecoder().decode(body).split("\0", 2);
}
