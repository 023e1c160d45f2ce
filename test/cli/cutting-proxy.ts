/** A proxy that cuts every connection once it has passed on so many bytes, until it is healed. */
import type { Socket } from "bun";

interface Pair {
  /** The connection to the server, once it is there; what arrived before waits. */
  server: Socket | null;
  readonly early: Buffer[];
}

export interface CuttingProxy {
  readonly port: number;
  /** Cuts nothing from now on. */
  heal(): void;
  stop(): void;
}

/** @param port of the server @param size bytes to the server after which connections are cut */
export function cutAfter(port: number, size: number): CuttingProxy {
  let left = size;
  const listener = Bun.listen<Pair>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open: (client) => {
        client.data = { server: null, early: [] };
        void connect(client, port);
      },
      data: (client, chunk) => {
        left -= chunk.length;
        if (left < 0) {
          client.data.server?.end();
          client.terminate();
          return;
        }
        const { server, early } = client.data;
        if (server === null) early.push(Buffer.from(chunk));
        else pass(server, chunk);
      },
      close: (client) => {
        client.data.server?.end();
      },
    },
  });
  return {
    port: listener.port,
    heal: () => (left = Infinity),
    stop: () => listener.stop(true),
  };
}

async function connect(client: Socket<Pair>, port: number): Promise<void> {
  const server = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data: (_server, chunk) => pass(client, chunk),
      close: () => {
        client.end();
      },
    },
  });
  for (const chunk of client.data.early.splice(0)) pass(server, chunk);
  client.data.server = server;
}

function pass(to: { write(bytes: Uint8Array): number }, chunk: Uint8Array): void {
  if (to.write(chunk) !== chunk.length) throw new Error("the proxy is for what fits into a socket");
}
