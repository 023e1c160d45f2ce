/**
 * Tells systemd how the server is (the option `supervised`): a unit of `Type=notify` counts as started only when the server
 * says that it is ready.
 *
 * What is told are lines such as READY=1, in one datagram to the Unix socket that NOTIFY_SOCKET names; sd_notify(3) describes
 * it. Bun has no such sockets, so the C library's are called through Bun's foreign functions; where it can't be opened,
 * the log says that systemd was not told.
 *
 *   sockaddr_un   family u16, path; a path that begins with "@" stands for a name without a file, whose first byte is 0
 */
import { dlopen, ptr } from "bun:ffi";
import type { Logger } from "../base/log.ts";
import type { Options } from "../base/options.ts";

// socket(2), sendto(2), unix(7) on Linux.
const AF_UNIX = 1;
const SOCK_DGRAM_CLOEXEC = 0x80002;
const MSG_NOSIGNAL = 0x4000;
const PATH_AT = 2;
/** Bytes of a path at most, with a zero behind it. */
const PATH_SIZE_MAX = 108;

const SYMBOLS = {
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  sendto: { args: ["i32", "ptr", "u64", "i32", "ptr", "u32"], returns: "i64" },
  close: { args: ["i32"], returns: "i32" },
} as const;

/**
 * Whoever wants to know, or null if nobody does.
 * @param env of the process
 */
export function findServiceManager(
  options: Options,
  env: Readonly<Record<string, string | undefined>>,
  logger: Logger,
): ServiceManager | null {
  const wanted = options.text("supervised");
  const address = env["NOTIFY_SOCKET"] ?? "";
  if (wanted === "upstart") {
    logger.warning("upstart supervision is not supported; systemd's is.");
    return null;
  }
  if (wanted === "no" || (wanted === "auto" && address === "")) return null;
  if (address === "") {
    logger.warning("systemd supervision requested, but NOTIFY_SOCKET not found");
    return null;
  }
  logger.notice(
    "supervised by systemd. Please make sure you set appropriate values for TimeoutStartSec and TimeoutStopSec in your service unit.",
  );
  return new ServiceManager(address, logger);
}

export class ServiceManager {
  readonly #address: string;
  readonly #logger: Logger;

  /** @param address path of a socket, or "@" and its name */
  constructor(address: string, logger: Logger) {
    this.#address = address;
    this.#logger = logger;
  }

  /** Clients are served from now on. */
  ready(): void {
    this.#tell("STATUS=Ready to accept connections\nREADY=1\n");
  }

  /** The server is about to end. */
  stopping(): void {
    this.#tell("STOPPING=1\n");
  }

  #tell(text: string): void {
    if (!send(this.#address, Buffer.from(text))) {
      this.#logger.warning(`systemd could not be told: ${text.trim().replaceAll("\n", ", ")}`);
    }
  }
}

/** Sends a datagram. Returns whether it was taken. */
function send(address: string, message: Buffer): boolean {
  const target = targetOf(address);
  if (target === null || process.platform !== "linux") return false;
  let library;
  try {
    library = dlopen("libc.so.6", SYMBOLS);
  } catch {
    return false;
  }
  const { socket, sendto, close } = library.symbols;
  const fd = socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
  if (fd === -1) return false;
  const sent = sendto(fd, ptr(message), message.length, MSG_NOSIGNAL, ptr(target), target.length);
  close(fd);
  return Number(sent) === message.length;
}

/** The sockaddr_un of an address, or null if it can't be one. */
function targetOf(address: string): Buffer | null {
  const isAbstract = address.startsWith("@");
  if (!isAbstract && !address.startsWith("/")) return null;
  const path = Buffer.from(isAbstract ? `\0${address.slice(1)}` : `${address}\0`);
  if (path.length > PATH_SIZE_MAX) return null;
  const target = Buffer.alloc(PATH_AT + path.length);
  target.writeUInt16LE(AF_UNIX, 0);
  path.copy(target, PATH_AT);
  return target;
}
