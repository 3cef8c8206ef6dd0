/** Yields the lines of a stream of bytes, without their ends, until the stream ends or breaks. */
export async function* textLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for await (const chunk of stream) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop()!;
      yield* lines;
    }
  } catch {
    // The other side is gone; what it said before counts.
  }
  if (rest !== "") yield rest;
}
