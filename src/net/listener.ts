/** Listening for clients: one set of callbacks for all connections. The only user of `Bun.listen`. */
import type { TCPSocketListener } from "bun";
import type { Engine } from "../commands/engine.ts";
import { createNativeCommands } from "../commands/native.ts";
import { Connection } from "./connection.ts";

export class Listener {
  readonly #engine: Engine;
  readonly #socket: TCPSocketListener<Connection>;
  readonly port: number;

  /** Throws if the address can't be had. @param port 0 takes a free one */
  constructor(engine: Engine, hostname: string, port: number) {
    this.#engine = engine;
    const nativeCommands = createNativeCommands();
    this.#socket = Bun.listen<Connection>({
      hostname,
      port,
      allowHalfOpen: true,
      socket: {
        open: (socket) => {
          const session = engine.createSession();
          engine.sessions.set(session.id, session);
          engine.stats.connectionsReceived++;
          socket.setNoDelay(true);
          socket.data = new Connection(socket, session, nativeCommands);
        },
        data: (socket, chunk) => {
          engine.beginTurn();
          socket.data.receive(chunk);
        },
        drain: (socket) => socket.data.drained(),
        end: (socket) => socket.data.peerEnded(),
        close: (socket) => {
          socket.data.gone();
          engine.sessions.delete(socket.data.session.id);
        },
        error: (socket, error) => {
          engine.logger.warning(`Connection error: ${error.message}`);
          socket.data.close();
        },
      },
    });
    this.port = this.#socket.port;
  }

  /** Stops accepting connections; those that exist go on. */
  stop(): void {
    this.#socket.stop();
  }
}
