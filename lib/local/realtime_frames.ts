/** One message of a Realtime connection, in either direction. */
export interface RealtimeFrame {
  joinRef: string | null;
  ref: string | null;
  topic: string;
  event: string;
  payload: Record<string, unknown>;
}

/** How messages are written: as objects (1.0.0), or as arrays and binary broadcasts (2.0.0). */
export type RealtimeVersion = "1.0.0" | "2.0.0";

const USER_BROADCAST_PUSH = 3;
const JSON_ENCODING = 1;

/** Writes a message as text. */
export function encodeFrame(frame: RealtimeFrame, version: RealtimeVersion): string {
  const { joinRef, ref, topic, event, payload } = frame;
  return JSON.stringify(
    version === "1.0.0"
      ? { join_ref: joinRef, ref, topic, event, payload }
      : [joinRef, ref, topic, event, payload],
  );
}

/** Reads a message, or returns undefined for what is none. */
export function decodeFrame(
  data: unknown,
  version: RealtimeVersion,
): RealtimeFrame | undefined {
  try {
    if (data instanceof ArrayBuffer) return decodeBroadcast(new Uint8Array(data));
    const read = JSON.parse(String(data));
    const [joinRef, ref, topic, event, payload] = version === "1.0.0"
      ? [read.join_ref, read.ref, read.topic, read.event, read.payload]
      : read;
    if (typeof topic !== "string" || typeof event !== "string") return undefined;
    return { joinRef: joinRef ?? null, ref: ref ?? null, topic, event, payload: payload ?? {} };
  } catch {
    return undefined;
  }
}

/** Reads a client's broadcast: a kind, five lengths, an encoding, five texts and the payload. */
function decodeBroadcast(bytes: Uint8Array): RealtimeFrame | undefined {
  if (bytes[0] !== USER_BROADCAST_PUSH || bytes[6] !== JSON_ENCODING) return undefined;
  const decoder = new TextDecoder();
  let position = 7;
  const [joinRef, ref, topic, event] = [...bytes.subarray(1, 6)].map((length) => {
    position += length;
    return decoder.decode(bytes.subarray(position - length, position));
  });
  const payload = JSON.parse(decoder.decode(bytes.subarray(position)));
  return {
    joinRef: joinRef || null,
    ref: ref || null,
    topic: topic!,
    event: "broadcast",
    payload: { type: "broadcast", event, payload },
  };
}
