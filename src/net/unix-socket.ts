/**
 * A Unix socket that is listened on. Its file never has wider permissions than it is to have (CVE-2023-45145), takes the place of a file
 * that an earlier server left behind but of nobody's who still listens, and goes when listening ends.
 */
import { lstatSync, rmSync, unlinkSync } from "node:fs";
import type { Engine } from "../commands/engine.ts";
import { Listener } from "./listener.ts";
import type { Settings } from "./settings.ts";

/** Permissions that a new socket has unless the umask takes them away. */
const ALL = 0o777;

export class UnixSocket {
  readonly path: string;
  readonly #name: string;
  readonly #listener: Listener;

  /**
   * Throws an error with the code EADDRINUSE if somebody listens there, or the file is no socket.
   * @param path one character a byte @param permissions 0 leaves them to the umask
   */
  constructor(engine: Engine, settings: Settings, path: string, permissions: number) {
    this.path = path;
    const name = Buffer.from(path, "latin1").toString();
    this.#name = name;
    removeStale(name);
    // The mode is decided when the file is made: a change afterwards would come too late.
    const before = permissions === 0 ? null : process.umask(ALL & ~permissions);
    try {
      this.#listener = new Listener(engine, settings, { kind: "unix", path: name });
    } finally {
      if (before !== null) process.umask(before);
    }
  }

  /** Stops accepting connections, and removes the file. */
  stop(): void {
    this.#listener.stop();
    rmSync(this.#name, { force: true });
  }
}

/** Removes a socket that nobody listens on. */
function removeStale(name: string): void {
  const found = lstatSync(name, { throwIfNoEntry: false });
  if (found?.isSocket() === true && !isListenedOn(name)) unlinkSync(name);
}

/** Connecting to a Unix socket fails at once or not at all. */
function isListenedOn(name: string): boolean {
  const connecting = Bun.connect({
    unix: name,
    socket: { open: (socket) => void socket.end(), data() {} },
  });
  connecting.catch(() => {});
  return Bun.peek.status(connecting) !== "rejected";
}
