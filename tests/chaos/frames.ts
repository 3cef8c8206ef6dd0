/** One message of Postgres's protocol. */
export interface Frame {
  /** Its letter; empty for the first one of a client, which has none. */
  type: string;
  body: Uint8Array<ArrayBuffer>;
  /** The whole message. */
  bytes: Uint8Array<ArrayBuffer>;
}

/** Cuts what arrives on a connection into messages. */
export class Frames {
  #rest = new Uint8Array(0);
  #isFirst: boolean;

  /** Expects the first message of a client, or not. */
  constructor(startsWithoutType: boolean) {
    this.#isFirst = startsWithoutType;
  }

  /** Returns the messages that are complete now. */
  *take(chunk: Uint8Array): Generator<Frame> {
    const all = new Uint8Array(this.#rest.length + chunk.length);
    all.set(this.#rest);
    all.set(chunk, this.#rest.length);
    let at = 0;
    for (;;) {
      const head = this.#isFirst ? 0 : 1;
      if (all.length - at < head + 4) break;
      const length = new DataView(all.buffer).getInt32(at + head) + head;
      if (all.length - at < length) break;
      const bytes = all.slice(at, at + length);
      const type = head === 0 ? "" : String.fromCharCode(bytes[0]!);
      this.#isFirst = false;
      at += length;
      yield { type, body: bytes.subarray(head + 4), bytes };
    }
    this.#rest = all.slice(at);
  }
}
