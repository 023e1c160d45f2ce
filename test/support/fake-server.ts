/** A server that says what a test wants it to, for tests of clients. */
import type { Socket } from "bun";

export interface FakeServer {
  readonly port: number;
  /** Everything received so far, of all connections. */
  received(): Buffer;
  /** Sends bytes to every connection. */
  send(bytes: Uint8Array | string): void;
  /** Closes every connection. */
  hangUp(): void;
  /** Settles when at least `size` bytes were received. */
  has(size: number): Promise<void>;
  stop(): void;
}

/** @param answer called with each chunk that arrives */
export function startFakeServer(
  answer: (socket: Socket, chunk: Buffer) => void = () => {},
): FakeServer {
  const sockets = new Set<Socket>();
  let received = Buffer.alloc(0);
  let waiters: { size: number; resolve(): void }[] = [];
  const listener = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open: (socket) => {
        sockets.add(socket);
      },
      close: (socket) => {
        sockets.delete(socket);
      },
      data: (socket, chunk) => {
        received = Buffer.concat([received, chunk]);
        for (const waiter of waiters) if (received.length >= waiter.size) waiter.resolve();
        waiters = waiters.filter((waiter) => received.length < waiter.size);
        answer(socket, chunk);
      },
    },
  });
  return {
    port: listener.port,
    received: () => received,
    send(bytes) {
      for (const socket of sockets) {
        socket.write(bytes);
        socket.flush();
      }
    },
    hangUp() {
      for (const socket of sockets) socket.end();
    },
    async has(size) {
      if (received.length >= size) return;
      await new Promise<void>((resolve) => waiters.push({ size, resolve }));
    },
    stop: () => listener.stop(true),
  };
}
