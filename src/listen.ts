/** The addresses of `bind`, turned into listeners. */
import type { Options } from "./base/options.ts";
import type { Engine } from "./commands/engine.ts";
import { Listener } from "./net/listener.ts";
import type { Settings } from "./net/settings.ts";

/** An address that could not be had; the message is Redis's. */
export class ListenError extends Error {
  override name = "ListenError";
}

export interface Listening {
  readonly listeners: readonly Listener[];
  /** The port of all of them. */
  readonly port: number;
}

/** What the system calls the errors of listening. */
const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: "Address already in use",
  EADDRNOTAVAIL: "Cannot assign requested address",
  EACCES: "Permission denied",
  EAFNOSUPPORT: "Address family not supported by protocol",
};
/** Errors that leave out an address that was marked as optional by a leading "-". */
const OPTIONAL: ReadonlySet<string> = new Set(["EADDRNOTAVAIL", "EAFNOSUPPORT"]);

/**
 * Listens on every address of `bind`: "*" is all of IPv4, "::*" all of IPv6, and a leading "-" makes an address that the
 * machine does not have no error. With port 0 the first address takes a free port and the others follow it.
 */
export function listenAll(engine: Engine, settings: Settings, options: Options): Listening {
  const listeners: Listener[] = [];
  let port = options.number("port");
  for (const word of options.text("bind").split(" ")) {
    const optional = word.startsWith("-");
    const address = optional ? word.slice(1) : word;
    if (address === "") continue;
    try {
      const listener = new Listener(engine, settings, hostOf(address), port);
      listeners.push(listener);
      port = listener.port;
    } catch (error) {
      const code = (error as { code?: string }).code ?? "";
      if (optional && OPTIONAL.has(code)) continue;
      for (const listener of listeners) listener.stop();
      const reason = REASONS[code] ?? (error as Error).message;
      throw new ListenError(
        `Could not create server TCP listening socket ${address}:${port}: bind: ${reason}`,
      );
    }
  }
  if (listeners.length === 0) throw new ListenError("No address to listen on");
  return { listeners, port };
}

function hostOf(address: string): string {
  if (address === "*") return "0.0.0.0";
  return address === "::*" ? "::" : address;
}
