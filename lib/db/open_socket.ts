import { connect, type Socket } from "node:net";

/** Longer than a callback of setImmediate is late in any Deno. */
const CLOSE_DELAY_MS = 5;

/**
 * Opens a socket for the driver and calls back when it closes, a moment before the driver hears it.
 *
 * The driver sends what it wrote in a callback of setImmediate, which fails outside of anybody's
 * reach if the socket closed in between; Deno 2.1 may call it although it was cancelled.
 */
export function openSocket(host: string, port: number, onClose: () => void): Socket {
  const socket = connect(port, host);
  const emit = socket.emit.bind(socket) as (event: string, ...values: unknown[]) => boolean;
  socket.emit = (event: string, ...values: unknown[]): boolean => {
    if (event !== "close") return emit(event, ...values);
    onClose();
    setTimeout(() => emit(event, ...values), CLOSE_DELAY_MS);
    return true;
  };
  // The driver takes the name to ask for in a TLS handshake from here.
  return Object.assign(socket, { host });
}
