/** Requests of the native protocol as bytes, and a way to send some and read what comes back. */

function request(command: number, ...strings: readonly string[]): Buffer {
  const parts = [Buffer.from([0, 0, command])];
  for (const text of strings) {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(text.length);
    parts.push(length, Buffer.from(text, "latin1"));
  }
  return Buffer.concat(parts);
}

/** Strings are one character a byte. */
export const native = {
  get: (key: string): Buffer => request(0, key),
  set: (key: string, value: string): Buffer => request(1, key, value),
  clear: (key: string): Buffer => request(2, key),
  ping: (message: string): Buffer => request(3, message),
};

/** Sends bytes, ends the sending side, and gives everything that the server sends before it closes. */
export async function exchange(port: number, requests: readonly Buffer[]): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  await Bun.connect({
    hostname: "127.0.0.1",
    port,
    allowHalfOpen: true,
    socket: {
      open(socket) {
        socket.write(Buffer.concat(requests));
        socket.shutdown();
      },
      data: (_socket, chunk) => void chunks.push(Buffer.from(chunk)),
      end: (socket) => void socket.end(),
      close: () => resolve(Buffer.concat(chunks)),
      error: () => resolve(Buffer.concat(chunks)),
    },
  });
  return await promise;
}
