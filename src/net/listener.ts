/** Listening for clients: one set of callbacks for all connections. The only user of `Bun.listen`. */
import type { Socket, TCPSocketListener } from "bun";
import { BrokenInvariant } from "../base/assert.ts";
import type { Engine } from "../commands/engine.ts";
import { Connection } from "./connection.ts";
import type { Settings } from "./settings.ts";
import { Turn } from "./turn.ts";

const TOO_MANY = "-ERR max number of clients reached\r\n";
const PROTECTED =
  "-DENIED Hutch is running in protected mode because protected mode is enabled and no password is set for the " +
  "default user. In this mode connections are only accepted from the loopback interface. If you want to connect " +
  "from external computers, set a password with 'requirepass' or turn 'protected-mode' off.\r\n";

export class Listener {
  readonly #socket: TCPSocketListener<Connection>;
  readonly port: number;

  /** Throws if the address can't be had. @param port 0 takes a free one */
  constructor(engine: Engine, settings: Settings, hostname: string, port: number) {
    const turn = new Turn(engine);
    this.#socket = Bun.listen<Connection>({
      hostname,
      port,
      // Without it a client that ends its sending side loses the replies it waits for.
      allowHalfOpen: true,
      socket: {
        open: (socket) => accept(engine, settings, socket),
        data: (socket, chunk) => {
          // A connection that was turned away has no data.
          const connection = socket.data;
          if (connection === undefined) return;
          turn.begin();
          connection.receive(chunk);
          turn.answerAtEnd(connection);
        },
        drain: (socket) => {
          turn.begin();
          socket.data?.drained();
        },
        end: (socket) => {
          if (socket.data === undefined) socket.end();
          else socket.data.peerEnded();
        },
        close: (socket) => {
          if (socket.data === undefined) return;
          socket.data.gone();
          engine.removeSession(socket.data.session);
        },
        error: (socket, error) => {
          engine.logger.warning(`Connection error: ${error.message}`);
          socket.data?.close();
          // A broken invariant is no matter of this connection: it ends the process, with its state.
          if (error instanceof BrokenInvariant) throw error;
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

function accept(engine: Engine, settings: Settings, socket: Socket<Connection>): void {
  // A peer that reset its connection before it was accepted has no address any more.
  if (socket.remoteAddress === undefined) {
    socket.end();
    return;
  }
  const refusal = reasonToRefuse(engine, settings, socket);
  if (refusal !== null) {
    engine.stats.connectionsRejected++;
    socket.write(refusal);
    socket.end();
    return;
  }
  engine.stats.connectionsReceived++;
  socket.setNoDelay(true);
  if (settings.keepAliveMs > 0) socket.setKeepAlive(true, settings.keepAliveMs);
  const session = engine.createSession();
  engine.sessions.set(session.id, session);
  socket.data = new Connection(socket, session, settings);
  engine.clientMemory.count(session);
}

function reasonToRefuse(
  engine: Engine,
  settings: Settings,
  socket: Socket<Connection>,
): string | null {
  if (engine.sessions.size >= settings.clientsMax) return TOO_MANY;
  if (
    settings.protectedMode &&
    engine.access.users.default.noPassword &&
    !isLoopback(socket.remoteAddress)
  ) {
    return PROTECTED;
  }
  return null;
}

function isLoopback(address: string): boolean {
  return address.startsWith("127.") || address === "::1" || address.startsWith("::ffff:127.");
}
