/** The places that the options name (`bind`, `port`, `tls-port`, `unixsocket`), turned into listeners, at the start and after CONFIG SET. */
import { late } from "./base/late.ts";
import type { Options } from "./base/options.ts";
import { systemErrorCode, systemErrorText } from "./base/system-errors.ts";
import type { Engine } from "./commands/engine.ts";
import { Listener } from "./net/listener.ts";
import type { Settings } from "./net/settings.ts";
import type { readTlsContext, TlsContext } from "./net/tls-context.ts";
import { UnixSocket } from "./net/unix-socket.ts";

const certificates = late<{ readTlsContext: typeof readTlsContext }>(() =>
  require("./net/tls-context.ts"),
);

/** The options that the certificates and rules of TLS are read from. */
export const TLS_OPTIONS: readonly string[] = [
  "tls-cert-file",
  "tls-key-file",
  "tls-key-file-pass",
  "tls-ca-cert-file",
  "tls-ca-cert-dir",
  "tls-auth-clients",
  "tls-protocols",
  "tls-ciphers",
  "tls-prefer-server-ciphers",
  "tls-session-caching",
];

/** A place that could not be had; the message is Redis's. */
export class ListenError extends Error {
  override name = "ListenError";
  /** What was to be listened on, as "port 6379 (TCP)". */
  readonly what: string;

  constructor(what: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.what = what;
  }
}

/** Errors that leave out an address that was marked as optional by a leading "-". */
const OPTIONAL: ReadonlySet<string> = new Set(["EADDRNOTAVAIL", "EAFNOSUPPORT"]);

/** Kinds of TCP ports. */
type Kind = "tcp" | "tls";

/**
 * "*" is all of IPv4, "::*" all of IPv6, and a leading "-" makes an address that the machine does not have no error. No
 * address at all means that nothing listens.
 */
export class Listeners {
  readonly #engine: Engine;
  readonly #settings: Settings;
  /** By "kind address port". */
  readonly #open: Map<string, Listener> = new Map();
  #unix: UnixSocket | null = null;
  /** What new TLS connections are set up with; null until there is a TLS port. */
  #tls: TlsContext | null = null;

  constructor(engine: Engine, settings: Settings) {
    this.#engine = engine;
    this.#settings = settings;
  }

  /** Where it listens, as "127.0.0.1:6379", "127.0.0.1:6380 (TLS)" or "/run/hutch.sock". */
  get places(): string[] {
    const ports = [...this.#open.keys()].map((key) => {
      const [kind, address = "", port] = key.split(" ");
      const place = address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
      return kind === "tls" ? `${place} (TLS)` : place;
    });
    return this.#unix === null ? ports : [...ports, this.#unix.path];
  }

  /**
   * Listens where the options say. Throws `ListenError` if a place can't be had; then nothing listens.
   * @returns the port: with 0 the first address takes a free one, and the others follow it, unless there is another way in
   */
  start(options: Options): number {
    const tlsPort = options.number("tls-port");
    const path = options.text("unixsocket");
    try {
      let port = options.number("port");
      if (port !== 0 || (tlsPort === 0 && path === ""))
        port = this.#startPort(options, "tcp", port);
      if (tlsPort !== 0) {
        const error = this.#readTls(options);
        if (error !== null) throw new ListenError(`port ${tlsPort} (TLS)`, error);
        this.#startPort(options, "tls", tlsPort);
      }
      if (path !== "") this.#startUnix(path, options.text("unixsocketperm"));
      return port;
    } catch (error) {
      this.stop();
      throw error;
    }
  }

  #startPort(options: Options, kind: Kind, wanted: number): number {
    let port = wanted;
    for (const word of options.words("bind")) {
      const optional = word.startsWith("-");
      const address = optional ? word.slice(1) : word;
      try {
        port = this.#listen(kind, address, port);
      } catch (error) {
        if (optional && OPTIONAL.has(systemErrorCode(error))) continue;
        const what = `port ${port} (${kind.toUpperCase()})`;
        throw new ListenError(what, failure(address, port, error), { cause: error });
      }
    }
    return port;
  }

  #startUnix(path: string, permissions: string): void {
    try {
      this.#unix = new UnixSocket(
        this.#engine,
        this.#settings,
        path,
        Number.parseInt(permissions, 8),
      );
    } catch (error) {
      const reason = systemErrorText(error);
      throw new ListenError(`Unix socket ${path}`, `Failed opening Unix socket: bind: ${reason}`, {
        cause: error,
      });
    }
  }

  /**
   * Listens where changed options say. Ports that stay keep listening; connections are not touched. Here port 0 means to
   * listen nowhere, as in Redis. @returns whether every place could be had
   */
  change(options: Options): boolean {
    const tlsPort = options.number("tls-port");
    if (!this.prepareTls(options)) return false;
    const wanted = (["tcp", "tls"] as const).flatMap((kind) => {
      const port = kind === "tls" ? tlsPort : options.number("port");
      return port === 0 ? [] : options.words("bind").map((word) => ({ kind, word, port }));
    });
    const keys = new Set(
      wanted.map(({ kind, word, port }) => `${kind} ${word.replace(/^-/, "")} ${port}`),
    );
    for (const [key, listener] of this.#open) {
      if (keys.has(key)) continue;
      listener.stop();
      this.#open.delete(key);
    }
    let all = true;
    for (const { kind, word, port } of wanted) {
      const optional = word.startsWith("-");
      const address = optional ? word.slice(1) : word;
      if (this.#open.has(`${kind} ${address} ${port}`)) continue;
      try {
        this.#listen(kind, address, port);
      } catch (error) {
        if (optional && OPTIONAL.has(systemErrorCode(error))) continue;
        this.#engine.logger.warning(failure(address, port, error));
        all = false;
      }
    }
    return all;
  }

  /** Reads certificates and rules if there is to be a TLS port and was none. @returns false if they can't be used */
  prepareTls(options: Options): boolean {
    if (options.number("tls-port") === 0) this.#tls = null;
    else if (this.#tls === null) return this.changeTls(options);
    return true;
  }

  /**
   * Reads certificates and rules again, for connections that come from now on; those that exist keep theirs. Between the old
   * listener and the new one nobody else runs. @returns false if they can't be used; then those in use stay
   */
  changeTls(options: Options): boolean {
    if (options.number("tls-port") === 0) return true;
    const error = this.#readTls(options);
    if (error !== null) {
      this.#engine.logger.warning(error);
      return false;
    }
    for (const [key, listener] of this.#open) {
      const [kind, address, port] = key.split(" ");
      if (kind !== "tls") continue;
      listener.stop();
      this.#listen("tls", address!, Number(port));
    }
    return true;
  }

  /** @returns an error text, or null */
  #readTls(options: Options): string | null {
    const context = certificates().readTlsContext(options);
    if ("error" in context) return context.error;
    this.#tls = context;
    return null;
  }

  /** Accepts no more connections; those that exist go on. */
  stop(): void {
    for (const listener of this.#open.values()) listener.stop();
    this.#open.clear();
    this.#unix?.stop();
    this.#unix = null;
  }

  #listen(kind: Kind, address: string, port: number): number {
    const hostname = hostOf(address);
    const place =
      kind === "tls"
        ? ({ kind, hostname, port, context: this.#tls! } as const)
        : ({ kind, hostname, port } as const);
    const listener = new Listener(this.#engine, this.#settings, place);
    this.#open.set(`${kind} ${address} ${listener.port}`, listener);
    return listener.port;
  }
}

function failure(address: string, port: number, error: unknown): string {
  const place = `${address}:${port}`;
  return `Could not create server TCP listening socket ${place}: bind: ${systemErrorText(error)}`;
}

function hostOf(address: string): string {
  if (address === "*") return "0.0.0.0";
  return address === "::*" ? "::" : address;
}
