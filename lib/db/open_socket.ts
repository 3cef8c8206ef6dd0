import { connect, type Socket } from "node:net";

/** Who wants to know that a socket closed. */
export interface SocketHooks {
  /** Called a moment before the driver hears it. */
  onClose(): void;
  /** Called when the driver has heard it. */
  onClosed(): void;
}

/** Longer than a callback of setImmediate is late in any Deno. */
const CLOSE_DELAY_MS = 5;

/**
 * Opens a socket of which the driver hears late that it closed.
 *
 * The driver sends what it wrote in a callback of setImmediate, which fails outside of anybody's
 * reach if the socket closed in between; Deno 2.1 may call it although it was cancelled.
 */
export function openSocket(host: string, port: number, hooks: SocketHooks): Socket {
  const socket = connect(port, host);
  const emit = socket.emit.bind(socket) as (event: string, ...values: unknown[]) => boolean;
  socket.emit = (event: string, ...values: unknown[]): boolean => {
    if (event !== "close") return emit(event, ...values);
    hooks.onClose();
    setTimeout(() => {
      emit(event, ...values);
      hooks.onClosed();
    }, CLOSE_DELAY_MS);
    return true;
  };
  // The driver takes the name to ask for in a TLS handshake from here.
  return Object.assign(socket, { host });
}
