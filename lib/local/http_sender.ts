import postgres from "postgres";
import { pause } from "./pause.ts";

/** A row of net.http_request_queue. */
interface QueuedRequest {
  id: string;
  method: string;
  url: string;
  headers: Record<string, string>;
  body: Uint8Array<ArrayBuffer>;
  timeout_milliseconds: number;
}

/** What the database is told about a request that was sent. */
interface Answer {
  status_code?: number;
  content_type?: string | null;
  headers?: Record<string, string>;
  content?: string;
  timed_out?: boolean;
  error_msg?: string;
}

// Requests announce themselves; the look is for those whose announcement a lost connection took along.
const LOOK_MS = 500;

/**
 * Sends the requests that net.http_post() has left in a database, once each and without waiting for
 * one another, and stores the answers, as pg_net's worker does; until it is disposed.
 */
export function startHttpSender(databaseUrl: string): AsyncDisposable {
  const sql = postgres(databaseUrl, { max: 2, onnotice: () => {} });
  const stopped = new AbortController();
  const sending = new Set<Promise<void>>();
  let announced = new AbortController();
  sql.listen("net_wake", () => announced.abort()).catch(() => {});

  const sendQueued = async () => {
    const requests = await sql<QueuedRequest[]>`
      delete from net.http_request_queue
      returning id, method, url, headers, body, timeout_milliseconds`;
    for (const request of requests) {
      const sent = send(request, stopped.signal)
        .then((answer) =>
          sql`
          insert into net._http_response ${sql({ id: request.id, ...answer } as never)}`
        )
        .then(() => {}, () => {})
        .finally(() => sending.delete(sent));
      sending.add(sent);
    }
  };
  const loop = (async () => {
    while (!stopped.signal.aborted) {
      announced = new AbortController();
      // Without the database there is the next look.
      await sendQueued().catch(() => {});
      await pause(LOOK_MS, AbortSignal.any([announced.signal, stopped.signal]));
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      stopped.abort();
      await Promise.all([loop, ...sending]);
      await sql.end({ timeout: 1 });
    },
  };
}

async function send(request: QueuedRequest, stopped: AbortSignal): Promise<Answer> {
  const { method, url, headers, body, timeout_milliseconds } = request;
  const late = AbortSignal.timeout(timeout_milliseconds);
  try {
    const response = await fetch(url, {
      method,
      headers,
      body,
      signal: AbortSignal.any([late, stopped]),
    });
    return {
      status_code: response.status,
      content_type: response.headers.get("content-type"),
      headers: Object.fromEntries(response.headers),
      content: await response.text(),
      timed_out: false,
    };
  } catch (error) {
    return late.aborted
      ? { timed_out: true, error_msg: `Timeout of ${timeout_milliseconds} ms reached` }
      : { error_msg: (error as Error).message };
  }
}
