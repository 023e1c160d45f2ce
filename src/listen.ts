/** The addresses of `bind` and the `port`, turned into listeners, at the start and after CONFIG SET. */
import type { Options } from "./base/options.ts";
import { systemErrorCode, systemErrorText } from "./base/system-errors.ts";
import type { Engine } from "./commands/engine.ts";
import { Listener } from "./net/listener.ts";
import type { Settings } from "./net/settings.ts";

/** An address that could not be had; the message is Redis's. */
export class ListenError extends Error {
  override name = "ListenError";
}

/** Errors that leave out an address that was marked as optional by a leading "-". */
const OPTIONAL: ReadonlySet<string> = new Set(["EADDRNOTAVAIL", "EAFNOSUPPORT"]);

/**
 * "*" is all of IPv4, "::*" all of IPv6, and a leading "-" makes an address that the machine does not have no error. No
 * address at all means that nothing listens.
 */
export class Listeners {
  readonly #engine: Engine;
  readonly #settings: Settings;
  /** By "address port". */
  readonly #open: Map<string, Listener> = new Map();

  constructor(engine: Engine, settings: Settings) {
    this.#engine = engine;
    this.#settings = settings;
  }

  /** Where it listens, as "127.0.0.1:6379". */
  get places(): string[] {
    return [...this.#open.keys()].map((key) => {
      const [address = "", port] = key.split(" ");
      return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
    });
  }

  /**
   * Listens where the options say. Throws `ListenError` if an address can't be had; then nothing listens.
   * @returns the port: with 0 the first address takes a free one, and the others follow it
   */
  start(options: Options): number {
    let port = options.number("port");
    for (const word of options.words("bind")) {
      const optional = word.startsWith("-");
      const address = optional ? word.slice(1) : word;
      try {
        port = this.#listen(address, port);
      } catch (error) {
        if (optional && OPTIONAL.has(systemErrorCode(error))) continue;
        this.stop();
        const place = `${address}:${port}`;
        throw new ListenError(
          `Could not create server TCP listening socket ${place}: bind: ${systemErrorText(error)}`,
        );
      }
    }
    return port;
  }

  /**
   * Listens where changed options say. Addresses that stay keep listening; connections are not touched. Here port 0 means to
   * listen nowhere, as in Redis. @returns whether every address could be had
   */
  change(options: Options): boolean {
    const port = options.number("port");
    const wanted = port === 0 ? [] : options.words("bind");
    const keys = new Set(wanted.map((word) => `${word.replace(/^-/, "")} ${port}`));
    for (const [key, listener] of this.#open) {
      if (keys.has(key)) continue;
      listener.stop();
      this.#open.delete(key);
    }
    let all = true;
    for (const word of wanted) {
      const optional = word.startsWith("-");
      const address = optional ? word.slice(1) : word;
      if (this.#open.has(`${address} ${port}`)) continue;
      try {
        this.#listen(address, port);
      } catch (error) {
        if (optional && OPTIONAL.has(systemErrorCode(error))) continue;
        const place = `${address}:${port}`;
        this.#engine.logger.warning(
          `Could not create server TCP listening socket ${place}: bind: ${systemErrorText(error)}`,
        );
        all = false;
      }
    }
    return all;
  }

  /** Accepts no more connections; those that exist go on. */
  stop(): void {
    for (const listener of this.#open.values()) listener.stop();
    this.#open.clear();
  }

  #listen(address: string, port: number): number {
    const listener = new Listener(this.#engine, this.#settings, hostOf(address), port);
    this.#open.set(`${address} ${listener.port}`, listener);
    return listener.port;
  }
}

function hostOf(address: string): string {
  if (address === "*") return "0.0.0.0";
  return address === "::*" ? "::" : address;
}
