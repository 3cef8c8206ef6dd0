import { PermanentError } from "pgflow/dsl";

/** A page as it was found. */
export interface Page {
  /** Where it was found, after redirections. */
  url: string;
  /** All of its HTML. */
  html: string;
}

/** Larger pages are hardly for reading; the HTML is stored with the run. */
const MAX_BYTES = 2_000_000;

/**
 * Fetches a page of HTML.
 *
 * What another attempt cannot change – a bad address, a page that is missing, too large or no HTML –
 * is a PermanentError.
 */
export async function fetchPage(address: string, signal: AbortSignal): Promise<Page> {
  const subject = `Cannot fetch page "${address}"`;
  if (!isWebAddress(address)) {
    throw new PermanentError(`${subject}: it is not the address of a page`, {
      hint: "Give an absolute address such as https://example.com.",
    });
  }
  const response = await request(address, signal, subject);
  try {
    checkResponse(response, subject);
    const bytes = await readBytes(response, subject);
    return { url: response.url || address, html: decode(bytes, response.headers) };
  } catch (error) {
    await response.body?.cancel().catch(() => {});
    throw error;
  }
}

function isWebAddress(address: string): boolean {
  return URL.canParse(address) && /^https?:$/.test(new URL(address).protocol);
}

async function request(url: string, signal: AbortSignal, subject: string): Promise<Response> {
  try {
    return await fetch(url, {
      signal,
      headers: { accept: "text/html,application/xhtml+xml", "user-agent": "analyze_website" },
    });
  } catch (cause) {
    if (signal.aborted) throw cause;
    throw new Error(`${subject}: its server cannot be reached`, { cause });
  }
}

function checkResponse({ ok, status, statusText, headers }: Response, subject: string): void {
  if (!ok) {
    const message = `${subject}: its server answered ${status} ${statusText}`.trimEnd();
    const isTemporary = status >= 500 || status === 408 || status === 425 || status === 429;
    throw isTemporary ? new Error(message) : new PermanentError(message);
  }
  const type = headers.get("content-type") ?? "text/html";
  if (!/^(text\/html|application\/xhtml\+xml)\b/i.test(type.trim())) {
    throw new PermanentError(`${subject}: it is of type "${type}", not HTML`);
  }
}

async function readBytes(response: Response, subject: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > MAX_BYTES) {
      throw new PermanentError(`${subject}: it is larger than ${MAX_BYTES / 1_000_000} MB`);
    }
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}

/** The character set is in the response's header, or in the first bytes of the page, or UTF-8. */
function decode(bytes: Uint8Array, headers: Headers): string {
  const start = new TextDecoder("latin1").decode(bytes.subarray(0, 1024));
  const label = /charset=["']?([\w-]+)/i.exec(`${headers.get("content-type")} ${start}`)?.[1];
  try {
    return new TextDecoder(label).decode(bytes);
  } catch {
    return new TextDecoder().decode(bytes);
  }
}
