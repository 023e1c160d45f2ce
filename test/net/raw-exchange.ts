/** Raw bytes to a server and back, for tests that must decide where a packet ends. */
import type { Socket } from "bun";

const TIMEOUT_MS = 20_000;

export interface RawOptions {
  /** Called after each piece was handed to the system, before the next one is: waits until the server has seen it. */
  readonly settle?: (sentBytes: number) => Promise<void>;
  /** Says after the last piece that nothing more will come; without it the server must close by itself. */
  readonly end?: boolean;
}

/** Sends the pieces one after another and gives all that comes back until the server closes. */
export async function exchange(
  port: number,
  pieces: readonly (Uint8Array | string)[],
  { settle, end = true }: RawOptions = {},
): Promise<Buffer> {
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  const chunks: Buffer[] = [];
  const state = { gone: false, writable: () => {} };
  const leave = (): void => {
    state.gone = true;
    state.writable();
    resolve();
  };
  const socket: Socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    allowHalfOpen: true,
    socket: {
      data: (_socket, chunk) => void chunks.push(chunk),
      drain: () => state.writable(),
      end: (ended) => {
        ended.end();
      },
      close: leave,
      error: leave,
    },
  });
  socket.setNoDelay(true);
  const timer = setTimeout(() => socket.terminate(), TIMEOUT_MS);
  let sent = 0;
  for (const piece of pieces) {
    let rest = typeof piece === "string" ? Buffer.from(piece, "latin1") : Buffer.from(piece);
    while (rest.length > 0 && !state.gone) {
      const taken = Math.max(0, socket.write(rest));
      sent += taken;
      rest = rest.subarray(taken);
      if (rest.length > 0) await new Promise<void>((go) => (state.writable = go));
    }
    if (state.gone) break;
    await settle?.(sent);
  }
  if (end && !state.gone) socket.shutdown();
  await closed;
  clearTimeout(timer);
  return Buffer.concat(chunks);
}
