/** A proxy in front of a database, to look at what goes over the wire and to cut it. */
export interface TcpProxy extends AsyncDisposable {
  /** The database's URL through the proxy. */
  url: string;
  /** How often the client spoke after it had heard something: the round trips it paid for. */
  turns: number;
  /** Milliseconds that answers take longer. */
  delay: number;
  /** Closes all connections and refuses new ones. */
  cut(): void;
  /** Takes connections again. */
  mend(): void;
  /** Keeps connections open and lets nothing through any more; new ones work. */
  freeze(): void;
}

/** Starts a proxy whose answers take `delay` milliseconds longer. */
export function tcpProxy(url: string, { delay = 0 } = {}): TcpProxy {
  const target = new URL(url);
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const proxyUrl = new URL(url);
  proxyUrl.hostname = "127.0.0.1";
  proxyUrl.port = String(listener.addr.port);
  const links = new Set<Link>();
  let isCut = false;
  const proxy: TcpProxy = {
    url: proxyUrl.href,
    turns: 0,
    delay,
    cut() {
      isCut = true;
      for (const link of links) link.close();
    },
    mend() {
      isCut = false;
    },
    freeze() {
      for (const link of links) link.isFrozen = true;
    },
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const link of links) link.close();
      await accepting;
      await Promise.all(pumps);
    },
  };
  const pumps: Promise<void>[] = [];
  const accepting = accept();
  return proxy;

  async function accept(): Promise<void> {
    for await (const client of listener) {
      if (isCut) {
        client.close();
        continue;
      }
      const hostname = target.hostname;
      const port = Number(target.port || 5432);
      const server = await Deno.connect({ hostname, port }).catch(() => undefined);
      if (server === undefined) {
        client.close();
        continue;
      }
      for (const connection of [client, server]) connection.setNoDelay();
      const link = new Link(client, server);
      links.add(link);
      let hasHeard = false;
      pumps.push(
        link.pump(client, server, () => {
          if (hasHeard) proxy.turns++;
          hasHeard = false;
        }),
        link.pump(server, client, async () => {
          if (proxy.delay > 0) await new Promise((resolve) => setTimeout(resolve, proxy.delay));
          hasHeard = true;
        }),
      );
    }
  }
}

/** A client's connection and the one made for it. */
class Link {
  isFrozen = false;

  constructor(readonly client: Deno.Conn, readonly server: Deno.Conn) {}

  async pump(from: Deno.Conn, to: Deno.Conn, onChunk: () => void | Promise<void>): Promise<void> {
    const buffer = new Uint8Array(65536);
    try {
      for (let count; (count = await from.read(buffer)) !== null;) {
        if (this.isFrozen) continue;
        await onChunk();
        for (let sent = 0; sent < count;) sent += await to.write(buffer.subarray(sent, count));
      }
    } catch {
      // One of the two is gone.
    }
    this.close();
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
}
