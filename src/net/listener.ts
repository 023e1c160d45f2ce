/**
 * Listening for clients, at one place: a TCP port, one with TLS, or a Unix socket. One set of callbacks serves all its
 * connections. The only user of `Bun.listen`.
 */
import type { Socket, SocketHandler, SocketListener } from "bun";
import { isDefect } from "../base/assert.ts";
import { systemErrorCode } from "../base/system-errors.ts";
import type { Engine } from "../commands/engine.ts";
import type { Origin } from "./connection.ts";
import { Connection } from "./connection.ts";
import type { Settings } from "./settings.ts";
import { isTrusted, userOfCertificate } from "./tls-clients.ts";
import type { TlsContext } from "./tls-context.ts";
import { Turn } from "./turn.ts";

const TOO_MANY = "-ERR max number of clients reached\r\n";
const PROTECTED =
  "-DENIED Hutch is running in protected mode because protected mode is enabled and no password is set for the " +
  "default user. In this mode connections are only accepted from the loopback interface. If you want to connect " +
  "from external computers, set a password with 'requirepass' or turn 'protected-mode' off.\r\n";

/** Where to listen. */
export type Place =
  | { readonly kind: "tcp"; readonly hostname: string; readonly port: number }
  | {
      readonly kind: "tls";
      readonly hostname: string;
      readonly port: number;
      readonly context: TlsContext;
    }
  | { readonly kind: "unix"; readonly path: string };

export class Listener {
  readonly #engine: Engine;
  readonly #settings: Settings;
  readonly #place: Place;
  readonly #socket: SocketListener<Connection>;
  /** The TCP port, or 0. */
  readonly port: number;

  /** Throws if the place can't be had. A TCP port of 0 takes a free one. */
  constructor(engine: Engine, settings: Settings, place: Place) {
    this.#engine = engine;
    this.#settings = settings;
    this.#place = place;
    const socket = this.#callbacks(new Turn(engine));
    // Without it a client that ends its sending side loses the replies it waits for.
    const common = { socket, allowHalfOpen: true };
    if (place.kind === "unix") {
      this.#socket = Bun.listen<Connection>({ ...common, unix: place.path });
      this.port = 0;
      return;
    }
    const { hostname, port } = place;
    // Other than a system's default, "::" is IPv6 only, so that "*" may stand beside it.
    const where = { ...common, hostname, port, ipv6Only: hostname.includes(":") };
    const listener =
      place.kind === "tls"
        ? Bun.listen<Connection>({ ...where, tls: place.context.tls })
        : Bun.listen<Connection>(where);
    this.#socket = listener;
    this.port = listener.port;
  }

  /** Stops accepting connections; those that exist go on. */
  stop(): void {
    this.#socket.stop();
  }

  #callbacks(turn: Turn): SocketHandler<Connection> {
    const engine = this.#engine;
    const handlers: SocketHandler<Connection> = {
      open: (socket) => this.#accept(socket),
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
        // What has a code is the peer's doing: a record of TLS that is no such.
        const text = `Connection error: ${error.message}`;
        if (systemErrorCode(error) === "") engine.logger.warning(text);
        else engine.logger.verbose(text);
        socket.data?.close();
        // A defect is no matter of this connection: a command may have stopped half way. It ends the process, with its state.
        if (isDefect(error)) throw error;
      },
    };
    if (this.#place.kind !== "tls") return handlers;
    const { clientCertificates } = this.#place.context;
    return {
      ...handlers,
      handshake: (socket, success) =>
        this.#secured(socket, success && isTrusted(socket, clientCertificates)),
    };
  }

  #accept(socket: Socket<Connection>): void {
    const engine = this.#engine;
    const { kind } = this.#place;
    const origin = this.#originOf(socket);
    if (origin === null) return void socket.end();
    const { clientsMax, spareFile } = this.#settings;
    const isFull = engine.sessions.size >= clientsMax || spareFile.isSpent;
    if (isFull || (kind !== "tls" && this.#isProtectedFrom(origin))) {
      engine.stats.connectionsRejected++;
      // Before a TLS handshake nothing can be said.
      if (kind !== "tls") socket.write(isFull ? TOO_MANY : PROTECTED);
      socket.end();
      return;
    }
    if (kind !== "unix") {
      socket.setNoDelay(true);
      const { keepAliveMs } = this.#settings;
      if (keepAliveMs > 0) socket.setKeepAlive(true, keepAliveMs);
    }
    if (kind !== "tls") engine.stats.connectionsReceived++;
    const session = engine.createSession();
    engine.sessions.set(session.id, session);
    socket.data = new Connection(socket, session, this.#settings, origin);
    engine.clientMemory.count(session);
  }

  /** A TLS handshake has ended. */
  #secured(socket: Socket<Connection>, isWelcome: boolean): void {
    const engine = this.#engine;
    const connection = socket.data;
    if (connection === undefined) return;
    if (!isWelcome) {
      engine.logger.verbose(
        `Error accepting a client connection: the TLS handshake failed (addr=${connection.address})`,
      );
      return connection.close();
    }
    connection.isHandshaking = false;
    if (this.#isProtectedFrom(connection)) {
      engine.stats.connectionsRejected++;
      socket.write(PROTECTED);
      return connection.close();
    }
    engine.stats.connectionsReceived++;
    const user = userOfCertificate(engine, socket);
    if (user === null) return;
    connection.session.user = user;
    connection.session.authenticated = true;
  }

  /** Null if the peer reset its connection before it was accepted: it has no address any more. */
  #originOf(socket: Socket<Connection>): Origin | null {
    const place = this.#place;
    if (place.kind === "unix") {
      const address = `${place.path}:0`;
      return { kind: "unix", address, localAddress: address, isLocal: true };
    }
    const { remoteAddress, remotePort, localAddress, localPort } = socket;
    if (remoteAddress === undefined) return null;
    return {
      kind: place.kind,
      address: withPort(remoteAddress, remotePort),
      localAddress: withPort(localAddress, localPort),
      isLocal: isLoopback(remoteAddress),
    };
  }

  #isProtectedFrom({ isLocal }: { readonly isLocal: boolean }): boolean {
    const { access } = this.#engine;
    return this.#settings.protectedMode && access.users.default.noPassword && !isLocal;
  }
}

/** As Redis writes it. */
function withPort(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

function isLoopback(address: string): boolean {
  return address.startsWith("127.") || address === "::1" || address.startsWith("::ffff:127.");
}
